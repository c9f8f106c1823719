import { snapshotOf } from '../../watchers/files/file-snapshot.js';
import type { FileStat, Io } from '../io.js';
import type { ListedSession } from '../mirror/slots/session-listing.js';
import { streamStateFile, streamStatePath } from '../mirror/state/stream-state.js';
import type { MetaDocument } from '../protocol/documents.js';

interface Machine {
  readonly host: string;
  readonly io: Io;
  /** Where it remembers what it sent to this destination. */
  readonly folder: string;
}

/**
 * How many bytes of a local transcript were not sent; `null` if only reading it would tell, or if it has no file of its
 * own.
 */
export async function unsentBytes(
  session: ListedSession,
  machine: Machine,
): Promise<number | null> {
  const { meta } = session;
  const path = meta?.source_path;
  if (meta === undefined || typeof path !== 'string') return null;
  if (meta.host !== machine.host || !path.endsWith('.jsonl')) return null;
  const stat = await machine.io.stat(path).catch(() => undefined);
  if (stat === undefined) return null;
  const bytes = stat.size - meta.total_source_bytes;
  if (bytes > 0) return bytes;
  return bytes === 0 && (await isAsSent(session, meta, stat, machine)) ? 0 : null;
}

/** A file of the right size may still hold something else. */
async function isAsSent(
  { harness, id }: ListedSession,
  meta: MetaDocument,
  stat: FileStat,
  { io, folder }: Machine,
): Promise<boolean> {
  const path = streamStatePath(folder, harness, id, '');
  const state = await streamStateFile(io, path, () => undefined).load();
  if (state?.snapshot?.token !== snapshotOf(stat).token) return false;
  const { generation, parts, position } = state.checkpoint;
  return (
    generation === meta.generation &&
    parts.length === meta.part_count &&
    position.line === meta.total_lines
  );
}
