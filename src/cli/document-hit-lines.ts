import type { DocumentHit, DocumentHits } from '../search/documents.js';
import { plural } from './format.js';
import { ageOf, snippetOf } from './search-lines.js';

interface Viewer {
  readonly agent: string | undefined;
  readonly nowMs: number;
}

/** Who told what when, the words with what is around them, and the command that shows all of it. */
export function documentLines(hit: DocumentHit, viewer: Viewer): readonly string[] {
  const { kind, id, by, to, step, version, atMs } = hit;
  const receiver = kind === 'mail' ? (to ?? 'all') : to;
  const whom = [by, receiver].filter((one) => one !== null).join(' → ');
  const about = kind === 'handoff' || step === null ? '' : `step ${step}`;
  const states =
    version === undefined ? '' : `${kind === 'memory' ? 'version' : 'epoch'} ${version}`;
  const head = [kind, id, ageOf(atMs ?? Number.NaN, viewer.nowMs), whom, about, states];
  return [
    head.filter((part) => part !== '').join('  '),
    `    ${snippetOf(hit)}`,
    `    ${openerOf(hit, viewer) ?? hit.key}`,
  ];
}

export function moreDocumentsLine({ kind, count, hits }: DocumentHits): string | undefined {
  const rest = count - hits.length;
  return rest > 0 ? `    +${plural(rest, `more ${kind} hit`)}` : undefined;
}

const dayMs = 86_400_000;

/** Mail is shown to its sender and its receiver only. */
function openerOf(
  { kind, open, by, to, atMs = 0 }: DocumentHit,
  { agent, nowMs }: Viewer,
): string | undefined {
  if (kind !== 'mail') return open;
  if (to === null || to === agent) return 'tracecraft inbox --long';
  const days = Math.max(1, Math.ceil((nowMs - atMs) / dayMs));
  return by === agent ? `tracecraft outbox --since ${days}d` : undefined;
}

export function documentRecord(hit: DocumentHit, viewer: Viewer): object {
  const { kind, id, by, to, step, version, atMs, text, key } = hit;
  return {
    kind,
    id,
    from: by,
    to,
    step,
    version: version ?? null,
    at: atMs === undefined ? null : new Date(atMs).toISOString(),
    text,
    snippet: snippetOf(hit),
    key,
    open: openerOf(hit, viewer) ?? null,
  };
}
