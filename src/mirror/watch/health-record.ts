import { join } from 'node:path';
import * as v from 'valibot';
import type { Io } from '../../io.js';
import { withoutLinks } from '../../links.js';
import type { SelectedSessions } from './session-filter.js';
import type { WatchSummary } from './summary.js';

const text = v.pipe(v.string(), v.maxLength(4_096));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const schema = v.object({
  schema: v.literal(1),
  pid: v.pipe(v.number(), v.integer()),
  /** ISO 8601 UTC, by this machine's clock: when it was written, and when its watch began. */
  at: text,
  since: text,
  /** Whether that watch reported its own end. */
  ended: v.boolean(),
  /** Folders of harnesses that existed. */
  roots: v.array(v.object({ harness: text, folder: text })),
  /** What it mirrors and what it leaves out, after its first look. */
  covered: v.nullable(v.object({ sessions: count, left_alone: count, of_other_folders: count })),
  /** Streams that are not completely in the bucket; the first few by name. */
  behind_count: count,
  behind_since: v.nullable(text),
  behind: v.array(v.object({ session: text, stream: text, source: text, reason: text })),
  /** Unreadable sources, and since when. */
  unreadable: v.array(v.object({ message: text, since: text })),
});
export type HealthRecord = v.InferOutput<typeof schema>;
export type HarnessRoot = HealthRecord['roots'][number];

const mostListed = 20;

export function healthPath(folder: string): string {
  return join(folder, 'health.json');
}

/** What the last watch wrote about itself; `undefined` if there is no readable record. */
export async function readHealth(io: Io, folder: string): Promise<HealthRecord | undefined> {
  try {
    const bytes = await withoutLinks(io, folder).readFile(healthPath(folder));
    if (bytes === undefined) return undefined;
    const result = v.safeParse(schema, JSON.parse(bytes.toString('utf8')));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

export interface Health {
  readonly pid: number;
  readonly since: Date;
  readonly roots: readonly HarnessRoot[];
  readonly taken: SelectedSessions | undefined;
  readonly summary: Pick<WatchSummary, 'behind'>;
  readonly unreadable: readonly Error[];
  readonly ended: boolean;
}

/** Keeps the record of one watch, so that other commands can read how it is doing instead of guessing. */
export class HealthRecorder {
  readonly #io: Io;
  readonly #folder: string;
  readonly #unreadableSince = new Map<string, string>();
  #behindSince: string | null = null;
  #written = '';

  constructor(io: Io, folder: string) {
    this.#io = io;
    this.#folder = folder;
  }

  /** Failing to write a record is no reason to stop. */
  async write(health: Health, now: Date): Promise<void> {
    const record = this.#record(health, now.toISOString());
    const { at: _at, ...content } = record;
    const encoded = JSON.stringify(content);
    if (encoded === this.#written && !health.ended) return;
    const body = `${JSON.stringify(record, null, 2)}\n`;
    const own = withoutLinks(this.#io, this.#folder);
    await own.replaceFile(healthPath(this.#folder), body).catch(() => undefined);
    this.#written = encoded;
  }

  #record(health: Health, at: string): HealthRecord {
    const { pid, since, roots, taken, unreadable, ended } = health;
    const { behind } = health.summary;
    this.#behindSince = behind.length === 0 ? null : (this.#behindSince ?? at);
    const messages = new Set(unreadable.map(({ message }) => message));
    for (const known of this.#unreadableSince.keys()) {
      if (!messages.has(known)) this.#unreadableSince.delete(known);
    }
    for (const message of messages) {
      if (!this.#unreadableSince.has(message)) this.#unreadableSince.set(message, at);
    }
    return {
      schema: 1,
      pid,
      at,
      since: since.toISOString(),
      ended,
      roots: [...roots],
      covered: taken === undefined ? null : coveredOf(taken),
      behind_count: behind.length,
      behind_since: this.#behindSince,
      behind: behind.slice(0, mostListed),
      unreadable: [...this.#unreadableSince]
        .slice(0, mostListed)
        .map(([message, first]) => ({ message, since: first })),
    };
  }
}

function coveredOf({ sessions, leftSessions, leftElsewhere }: SelectedSessions) {
  return { sessions, left_alone: leftSessions, of_other_folders: leftElsewhere };
}
