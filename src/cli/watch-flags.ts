import * as Flags from '@oclif/core/flags';
import { harnessNames } from '../../watchers/names.js';

/** The flags of `watch` that say what to mirror and how often; the service takes them too. */
export const watchFlags = {
  harness: Flags.string({
    summary: 'only this harness; repeatable',
    options: [...harnessNames],
    multiple: true,
  }),
  cwd: Flags.directory({
    exists: true,
    summary: 'only sessions started in or below this folder',
    helpValue: 'FOLDER',
  }),
  since: Flags.string({
    summary: 'mirror sessions that changed within this time (default 7d)',
    helpValue: '30d',
  }),
  all: Flags.boolean({
    summary:
      'mirror all sessions, however old; with --once also restore what vanished from the bucket',
    exclusive: ['since'],
  }),
  'all-projects': Flags.boolean({
    summary: "with a project's config: mirror sessions of other folders too",
  }),
  interval: Flags.string({
    summary: 'longest time between two flushes of a busy session',
    helpValue: '5s',
  }),
  heartbeat: Flags.string({
    summary: 'time between heartbeats of a live session; less than the TTL of its claims',
    default: '60s',
    helpValue: '10s',
  }),
  compact: Flags.boolean({
    summary: 'write the whole transcript of an ended session as one object',
  }),
  poll: Flags.boolean({ summary: 'check every 2 s instead of listening to file events' }),
};
