import * as Flags from '@oclif/core/flags';
import { harnesses } from '../protocol/harnesses.js';

/** The flags of `watch` that say what to mirror and how often; the service has them too. */
export const watchFlags = {
  harness: Flags.string({
    summary: 'only this harness; may be given more than once',
    options: [...harnesses],
    multiple: true,
  }),
  cwd: Flags.directory({
    exists: true,
    summary: 'only sessions that were started in or below this folder',
    helpValue: 'FOLDER',
  }),
  since: Flags.string({
    summary: 'take sessions that changed within this time (7d unless told)',
    helpValue: '30d',
  }),
  all: Flags.boolean({
    summary:
      'take all sessions, however old; with --once also put back what vanished from the bucket',
    exclusive: ['since'],
  }),
  'all-projects': Flags.boolean({
    summary: "with a project's config: take sessions of other folders too",
  }),
  interval: Flags.string({
    summary: 'longest time between two flushes of a busy session',
    helpValue: '5s',
  }),
  heartbeat: Flags.string({
    summary: 'time between two signs of life of a live session; less than the TTL of its claims',
    default: '60s',
    helpValue: '10s',
  }),
  compact: Flags.boolean({
    summary: 'write the whole transcript of a session that has ended as one object',
  }),
  poll: Flags.boolean({ summary: 'look every 2 s instead of listening to file events' }),
};
