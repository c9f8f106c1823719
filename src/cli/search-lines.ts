import type { Hit, SessionHits } from '../search/scan.js';
import { formatAge, formatDuration, plural } from './format.js';
import { roughlyFitted } from './prose.js';

/** Characters of a snippet before and after the match. */
const charactersBefore = 60;
const charactersAfter = 140;

interface HeadSpace {
  readonly shortId: string;
  readonly nowMs: number;
  /** Columns of the terminal; the title gets what is left of them. */
  readonly width: number;
}

export function sessionLine(
  { session, hits, isSpread }: SessionHits,
  { shortId, nowMs, width }: HeadSpace,
): string {
  const { harness, meta } = session;
  const [newest] = hits;
  const agent = [meta?.agent_id, meta?.host].filter((one) => one != null).join('@');
  const before = joined([
    newest === undefined ? shortId : `${shortId}:${newest.line}`,
    ageOf(newest?.atMs ?? Date.parse(meta?.last_uploaded_at ?? ''), nowMs),
    harness,
    agent,
    meta?.cwd?.split(/[/\\]/).at(-1) ?? '',
  ]);
  const after = isSpread ? '(all words, but in no single row)' : '';
  const room = width - joined([before, after]).length - gap.length;
  return joined([before, roughlyFitted(meta?.title ?? '', Math.min(longestTitle, room)), after]);
}

const gap = '  ';
const longestTitle = 100;

function joined(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(gap);
}

export function ageOf(atMs: number, nowMs: number): string {
  if (!Number.isFinite(atMs)) return '';
  const ms = Math.max(0, nowMs - atMs);
  return ms < 60_000 ? `${formatDuration(ms)} ago` : formatAge(ms);
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
  const from = Math.max(0, found.at - charactersBefore);
  const to = Math.min(text.length, found.end + charactersAfter);
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
