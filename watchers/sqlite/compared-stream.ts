import type { FileSnapshot, JsonValue, RecordStream, Survey } from '../../src/mirror/stream.js';
import { foldShipped, nothingShipped, type ReadState, type Shipped } from './row-comparison.js';

/** How one harness writes down what was uploaded from a session, and reads its own lines. */
interface RowForm<Key> {
  decode(at: JsonValue): Shipped<Key> | undefined;
  encode(shipped: Shipped<Key>): JsonValue;
  parseLine(line: Buffer): ReadState<Key> | undefined;
}

type Own = Pick<RecordStream, 'session' | 'name' | 'source' | 'read' | 'facts' | 'compareAll'>;

/** A session whose rows are compared with what was uploaded. `look` is stat-like; `undefined` if the session is gone. */
export function comparedStream<Key>(
  own: Own,
  look: (survey?: Survey) => Promise<FileSnapshot | undefined>,
  { decode, encode, parseLine }: RowForm<Key>,
): RecordStream {
  return {
    ...own,
    kind: 'records',
    isCompared: true,
    changed: async (since, survey) => {
      const snapshot = await look(survey);
      return snapshot?.token === since?.token ? undefined : snapshot;
    },
    fold: (from, lines) => {
      const shipped = decode(from.at) ?? nothingShipped<Key>();
      foldShipped(shipped, lines, parseLine);
      return { line: from.line + lines.length, at: encode(shipped) };
    },
  };
}
