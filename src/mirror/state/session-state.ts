import { join } from 'node:path';
import * as v from 'valibot';
import type { Io } from '../../io.js';
import { encodeId } from '../../protocol/names.js';

/** What is remembered about a session besides its streams, until the bucket has it. */
export interface SessionState {
  /** ISO 8601 UTC, as the harness reported it. */
  readonly endedAt: string | undefined;
  /** Fingerprint of the last `meta.json`; a different one means that it must be written again. */
  readonly written: string | undefined;
}

export interface SessionStateFile {
  load(): Promise<SessionState | undefined>;
  /** Whether it was kept. */
  save(state: SessionState): Promise<boolean>;
}

export const noSessionState: SessionStateFile = {
  load: async () => undefined,
  save: async () => false,
};

const schema = v.object({
  v: v.literal(1),
  ended_at: v.nullable(v.string()),
  written: v.nullable(v.string()),
});

export function sessionStateFile(
  io: Io,
  folder: string,
  harness: string,
  sessionId: string,
  trouble: (error: unknown) => void,
): SessionStateFile {
  const path = join(folder, harness, encodeId(sessionId), 'session.json');
  return {
    load: async () => {
      try {
        const bytes = await io.readFile(path);
        const result = v.safeParse(schema, JSON.parse(bytes?.toString('utf8') ?? 'null'));
        if (!result.success) return undefined;
        const { ended_at: endedAt, written } = result.output;
        return { endedAt: endedAt ?? undefined, written: written ?? undefined };
      } catch (error) {
        if (!(error instanceof SyntaxError)) trouble(error);
        return undefined;
      }
    },
    save: async ({ endedAt, written }) => {
      const state = { v: 1, ended_at: endedAt ?? null, written: written ?? null };
      try {
        await io.replaceFile(path, `${JSON.stringify(state)}\n`);
        return true;
      } catch (error) {
        trouble(error);
        return false;
      }
    },
  };
}
