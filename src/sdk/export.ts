import { join, resolve } from 'node:path';
import { harnessNames } from '../../watchers/names.js';
import { knownFromHere } from '../app/known-secrets.js';
import { redactorOf } from '../app/redaction.js';
import { possibleSessions, sessionHere } from '../app/shell-session.js';
import { UsageError } from '../errors.js';
import type { SdkContext } from './context.js';
import { textOf } from './environment.js';
import type { ExportOptions } from './export-types.js';
import type { Tracecraft } from './types.js';
import { timeOf } from './usage.js';

export function exportOf(context: SdkContext): Pick<Tracecraft, 'export'> {
  const { settings, env, place } = context;
  return {
    export: async (options) => {
      const to = destinationOf(context, options);
      const format = formatOf(options.format);
      const { exportTables } = await import('../app/export.js');
      const { sessions, selection } = await selected(context, options);
      const exported = await exportTables({
        store: place,
        project: settings.project,
        sessions,
        selection,
        to,
        format,
        mayBePublic: options.public === true,
        folder: join(settings.stateFolder, 'export'),
        redactor: redactorOf(settings, knownFromHere(settings, env)),
      });
      const { location, written, removed, rows, unread } = exported;
      return { location, sessions: sessions.length, written, removed, rows, unread };
    },
  };
}

async function selected({ place, env, cwd }: SdkContext, { sessions, since }: ExportOptions) {
  const sinceMs = timeOf('since', since);
  const { namedSessions, sessionsSince } = await import('../app/export-selection.js');
  if (sessions === undefined) {
    return sinceMs === undefined
      ? sessionsSince(place)
      : sessionsSince(place, { ms: sinceMs, text: new Date(sinceMs).toISOString() });
  }
  if (sinceMs !== undefined) throw new UsageError('name sessions, or say since: not both');
  if (!Array.isArray(sessions) || sessions.length === 0) {
    throw new UsageError('sessions must be a list of at least one');
  }
  const words = sessions.map((one) => textOf('a session', one));
  return namedSessions(place, words, {
    harnesses: harnessNames,
    current: possibleSessions(await sessionHere(env, undefined)),
    folder: cwd,
    // Rows belong to a terminal.
    listed: [],
  });
}

function destinationOf({ cwd }: SdkContext, options: unknown): string {
  const to = textOf('to', Object(options).to);
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(to) ? to : resolve(cwd, to);
}

function formatOf(format: unknown = 'parquet'): 'parquet' | 'jsonl' {
  if (format === 'parquet' || format === 'jsonl') return format;
  throw new UsageError("format must be 'parquet' or 'jsonl'");
}
