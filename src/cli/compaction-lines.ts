import type { CompactedSession } from '../app/compaction.js';
import { formatCount, plural } from './format.js';

/** `compacted  claude-code/<id>  transcript.jsonl  32 lines of 2 parts  12,138B  verified=md5`. */
export function compactionLine(one: CompactedSession): string {
  const place = `${one.harness}/${one.session_id}`;
  const leaf = one.key.slice(one.key.lastIndexOf('/') + 1);
  if (one.state === 'empty') return `nothing    ${place}  has no lines for ${leaf}`;
  const extent = `${plural(one.lines, 'line')} of ${plural(one.parts, 'part')}`;
  const size = `${formatCount(one.bytes)}B`;
  if (one.state === 'unchanged') return `unchanged  ${place}  ${leaf}  ${extent}  ${size}`;
  return `compacted  ${place}  ${leaf}  ${extent}  ${size}  verified=${one.verified}`;
}

/** The same as JSON. */
export function compactionData(one: CompactedSession): object {
  const { harness, session_id, format, state, key } = one;
  const { generation, parts, lines, bytes, verified } = one;
  const extent = { generation, parts, lines, bytes, verified };
  return { harness, session_id, format, state, key, ...extent };
}
