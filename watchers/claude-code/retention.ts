import type { Io } from '../../src/io.js';
import type { Retention } from '../../src/mirror/stream.js';

/** Unless its settings say otherwise: https://code.claude.com/docs/en/settings */
const defaultDays = 30;
const setting = 'cleanupPeriodDays';

/** After how many unused days Claude Code removes transcripts, by this settings file. */
export async function readRetention(io: Io, path: string): Promise<Retention> {
  const bytes = await io.readFile(path).catch(() => undefined);
  return { days: daysOf(bytes?.toString('utf8') ?? '{}') ?? defaultDays, setting };
}

function daysOf(text: string): number | undefined {
  try {
    const days: unknown = Reflect.get(Object(JSON.parse(text)), setting);
    return typeof days === 'number' && days >= 0 ? days : undefined;
  } catch {
    return undefined;
  }
}
