import type { Io } from '../../src/io.js';
import { fingerprint } from '../../src/mirror/lines.js';
import type { Chunk, LineStream, SessionRef } from '../../src/mirror/stream.js';
import { unreadable } from '../unreadable.js';
import { foldPlainRow } from './facts.js';

const largest = 256 << 20;
/** These change with every message, which would make each look like a rewritten transcript. */
const volatile = new Set(['messages', 'last_updated', 'message_count']);

/**
 * A session stored as one JSON document: its first line is the document without the messages, and each message is a
 * separate line.
 */
export function wholeSessionFile(io: Io, path: string, session: SessionRef): LineStream {
  const look = async () => {
    const stat = await io.stat(path);
    if (stat?.kind !== 'file') return undefined;
    const token = `${stat.dev}:${stat.ino}:${stat.size}:${stat.ctimeNs}`;
    return { token, size: stat.size, modifiedAtMs: stat.mtimeMs };
  };
  return {
    kind: 'lines',
    session,
    name: '',
    source: path,
    changed: async (since) => {
      const snapshot = await look();
      return snapshot?.token === since?.token ? undefined : snapshot;
    },
    read: async (from, limit): Promise<Chunk | 'moved' | 'gone'> => {
      const snapshot = await look();
      if (snapshot === undefined) return 'gone';
      const lines = await linesIn(io, path, snapshot.size);
      const before = lines.slice(0, from.line);
      const isContinued = from.at === null ? from.line === 0 : from.at === fingerprint(before);
      if (!isContinued) return 'moved';
      const taken = fitting(lines.slice(from.line), limit.bytes, limit.lines);
      const line = from.line + taken.length;
      return {
        lines: taken,
        next: { line, at: fingerprint(lines.slice(0, line)) },
        snapshot,
        sourceBytes: taken.reduce((sum, one) => sum + one.length, 0),
        rest: 0,
        more: line < lines.length,
      };
    },
    facts: foldPlainRow,
  };
}

async function linesIn(io: Io, path: string, size: number): Promise<readonly Buffer[]> {
  try {
    if (size > largest) throw new Error(`it is larger than ${largest >> 20} MiB`);
    const document: unknown = JSON.parse((await io.readFile(path))?.toString('utf8') ?? 'null');
    if (typeof document !== 'object' || document === null) throw new Error('it is no session');
    const messages: unknown = Reflect.get(document, 'messages');
    const head = Object.entries(document).filter(([name]) => !volatile.has(name));
    const rows = [Object.fromEntries(head), ...(Array.isArray(messages) ? messages : [])];
    return rows.map((row) => Buffer.from(`${JSON.stringify(row)}\n`));
  } catch (error) {
    throw unreadable(path, error);
  }
}

function fitting(
  lines: readonly Buffer[],
  bytes: number,
  most = Number.POSITIVE_INFINITY,
): readonly Buffer[] {
  let length = 0;
  const end = lines.findIndex((line, index) => {
    length += line.length;
    return index >= most || (index > 0 && length > bytes);
  });
  return end === -1 ? lines : lines.slice(0, end);
}
