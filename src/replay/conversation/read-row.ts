import { fields } from '../../conversation/fields.js';
import { claudeCodeRow } from './claude-code.js';
import { codexRow } from './codex.js';
import { hermesRow } from './hermes.js';
import { openclawRow } from './openclaw.js';
import type { Row } from './row.js';

const readers: Readonly<Record<string, (value: unknown) => Row>> = {
  'claude-code': claudeCodeRow,
  codex: codexRow,
  hermes: hermesRow,
  openclaw: openclawRow,
};

/** What a line of a mirrored transcript says. Never fails: what is not understood has no blocks, and is shown as it is. */
export function readRow(harness: string, line: string): Row {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { label: 'not JSON', timeMs: undefined, blocks: [] };
  }
  try {
    return read(harness, value);
  } catch {
    // Nested so deep that nothing can print it.
    return { label: 'row', timeMs: undefined, blocks: [] };
  }
}

function read(harness: string, value: unknown): Row {
  // Spilled tool results are the mirror's own rows, the same for every harness.
  const isSpilled = fields(value).type === 'tool-result';
  const known = isSpilled || !Object.hasOwn(readers, harness) ? undefined : readers[harness];
  return (known ?? claudeCodeRow)(value);
}
