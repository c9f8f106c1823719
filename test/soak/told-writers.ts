import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeToldSessions } from './told-sessions.js';

/** A second process that writes the sessions of four harnesses, until told to stop; then it says what is in them. */
const [home = ''] = process.argv.slice(2);
await mkdir(join(home, '.hermes'), { recursive: true });
process.stdout.write(`${JSON.stringify(await writeToldSessions(home))}\n`);
process.exit();
