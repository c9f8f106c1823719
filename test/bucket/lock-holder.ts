import { openLocks } from '../../src/bucket/local/lock.js';
import { systemClock } from '../../src/clock.js';

/** Takes a lock and never lets it go. */
const [folder = '', temporaries = '', key = ''] = process.argv.slice(2);
await openLocks({ folder, temporaries, clock: systemClock }).hold(key, async () => {
  process.stdout.write('held\n');
  await new Promise(() => process.stdin.resume());
});
