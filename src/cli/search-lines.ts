import type { Hit, SessionHits } from '../search/scan.js';
import { formatDuration, plural } from './format.js';

/** Characters of a snippet before and after the match. */
const before = 60;
const after = 140;

export function sessionLine(
  { session, hits, isSpread }: SessionHits,
  { shortId, nowMs }: { readonly shortId: string; readonly nowMs: number },
): string {
  const { harness, meta } = session;
  const [newest] = hits;
  const agent = [meta?.agent_id, meta?.host].filter((one) => one != null).join('@');
  return [
    newest === undefined ? shortId : `${shortId}:${newest.line}`,
    ageOf(newest?.atMs ?? Date.parse(meta?.last_uploaded_at ?? ''), nowMs),
    harness,
    agent,
    meta?.cwd?.split(/[/\\]/).at(-1) ?? '',
    (meta?.title ?? '').slice(0, 100),
    isSpread ? '(all words, but in no single row)' : '',
  ]
    .filter((part) => part !== '')
    .join('  ');
}

export function ageOf(atMs: number, nowMs: number): string {
  if (!Number.isFinite(atMs)) return '';
  const [largest = ''] = formatDuration(Math.max(0, nowMs - atMs)).split(' ');
  return `${largest} ago`;
}

export function hitLine(hit: Hit): string {
  const { line, role, tool, stream } = hit;
  const who = [role, tool].filter((one) => one !== undefined).join(', ');
  const where = stream === '' ? '' : ` in ${stream}`;
  return `    ${line}  ${who}${where}  ${snippetOf(hit)}`;
}

export function moreLine({ count, hits }: SessionHits): string | undefined {
  const rest = count - hits.length;
  return rest > 0 ? `    +${plural(rest, 'more hit')}` : undefined;
}

/** The match on one line, with the text around it. */
export function snippetOf({ text, found }: Pick<Hit, 'text' | 'found'>): string {
  const from = Math.max(0, found.at - before);
  const to = Math.min(text.length, found.end + after);
  const cut = text.slice(from, to).replace(/\s+/g, ' ').trim();
  return `${from > 0 ? '…' : ''}${cut}${to < text.length ? '…' : ''}`;
}

export function hitRecord({ session }: SessionHits, hit: Hit): object {
  const { harness, id, meta } = session;
  const { stream, line, role, tool, atMs } = hit;
  return {
    kind: 'session',
    session: id,
    harness,
    stream,
    generation: meta?.generation ?? null,
    line,
    role,
    tool: tool ?? null,
    at: atMs === undefined ? null : new Date(atMs).toISOString(),
    title: meta?.title ?? null,
    snippet: snippetOf(hit),
  };
}
