import { exitOnSignals, handleSignals } from '../../src/cli/signals.js';

exitOnSignals();
if (process.argv[2] === 'tidy') handleSignals((signal) => process.stdout.write(`${signal}\n`));
process.stdout.write('ready\n');
process.stdin.resume();
