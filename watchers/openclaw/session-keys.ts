import { join } from 'node:path';
import * as v from 'valibot';
import type { TracecraftError } from '../../src/errors.js';
import type { Io } from '../../src/io.js';
import { exactFact } from '../fact-text.js';
import { snapshotOf } from '../files/file-snapshot.js';
import { unreadable } from '../unreadable.js';
import { sessionsFolder } from './layout.js';

const entrySchema = v.object({
  sessionId: v.string(),
  sessionStartedAt: v.fallback(v.optional(v.number()), undefined),
  spawnedBy: v.fallback(v.optional(v.string()), undefined),
});
type Entry = v.InferOutput<typeof entrySchema>;

/** Each entry holds a list of skills, tens of kilobytes. */
const largest = 64 << 20;
/** The file changes with every turn, so it is read only for sessions that it was not asked about this often. */
const mostReads = 3;
const nobody: ReadonlyMap<string, Entry> = new Map();

/**
 * `sessions/sessions.json` of an agent: which session each key stands for now, and who spawned it. A damaged or
 * half-written file takes nothing away.
 */
export class SessionKeys {
  readonly #io: Io;
  readonly #path: string;
  readonly #onUnreadable: (error: TracecraftError) => void;
  #token: string | undefined;
  #byKey: ReadonlyMap<string, Entry> = nobody;
  #bySession: ReadonlyMap<string, Entry> = nobody;
  readonly #reads = new Map<string, number>();

  constructor(io: Io, agentFolder: string, onUnreadable: (error: TracecraftError) => void) {
    this.#io = io;
    this.#path = join(agentFolder, sessionsFolder, 'sessions.json');
    this.#onUnreadable = onUnreadable;
  }

  /** Reads it the first time, and when it has changed and one of these sessions is not known yet. */
  async refresh(sessions: readonly string[]): Promise<void> {
    const readsOf = (id: string): number => this.#reads.get(id) ?? 0;
    const unknown = sessions.filter((id) => !this.#bySession.has(id) && readsOf(id) < mostReads);
    if (unknown.length === 0 && this.#token !== undefined) return;
    try {
      const stat = await this.#io.stat(this.#path);
      const isRead = stat?.kind === 'file' && stat.size <= largest;
      const token = isRead ? snapshotOf(stat).token : undefined;
      if (token === undefined || token === this.#token) return;
      for (const id of unknown) this.#reads.set(id, readsOf(id) + 1);
      this.#byKey = entriesIn((await this.#io.readFile(this.#path))?.toString('utf8') ?? '');
      this.#bySession = new Map([...this.#byKey.values()].map((one) => [one.sessionId, one]));
      this.#token = token;
    } catch (error) {
      if (!(error instanceof SyntaxError)) this.#onUnreadable(unreadable(this.#path, error));
    }
  }

  /** What is recorded about a session's origin. */
  originOf(sessionId: string): Pick<Entry, 'spawnedBy'> | undefined {
    return this.#bySession.get(sessionId);
  }

  /**
   * The session that a key stands for, unless it began after `atMs`: a reset gives the key to another session, and then
   * nobody knows whose it was.
   */
  sessionOf(key: string, atMs: number): string | undefined {
    const entry = this.#byKey.get(key);
    if (entry === undefined || (entry.sessionStartedAt ?? 0) > atMs) return undefined;
    return exactFact(entry.sessionId);
  }
}

/** The agent that a key belongs to: `agent:<id>:<…>`. */
export function agentOf(key: string): string | undefined {
  return /^agent:([a-z0-9][a-z0-9_-]{0,63}):/i.exec(key)?.[1];
}

function entriesIn(text: string): ReadonlyMap<string, Entry> {
  const entries = new Map<string, Entry>();
  const table: unknown = JSON.parse(text);
  if (typeof table !== 'object' || table === null) return entries;
  for (const [key, value] of Object.entries(table)) {
    const entry = v.safeParse(entrySchema, value);
    if (entry.success) entries.set(key, entry.output);
  }
  return entries;
}
