// Two agents of one program share a step, mail and a value.
//
//   npm install tracecraft && node sdk.mjs [FOLDER]
//
// The bucket is a folder: the one that is named, or a new temporary one.
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LostError, openTracecraft } from 'tracecraft';

const folder = process.argv[2] ?? (await mkdtemp(join(tmpdir(), 'tracecraft-sdk-')));
const destination = { backend: 'local', bucket: join(folder, 'bucket'), project: 'example' };
const onWarning = (message) => process.stderr.write(`Warning: ${message}\n`);
const designer = await openTracecraft({ destination, agent: 'designer', onWarning });
const developer = await openTracecraft({ destination, agent: 'developer', onWarning });

// One of any number who try gets the step; the others learn who did.
const [mine, theirs] = [await designer.claim('design'), await developer.claim('design')];
if (!mine.claimed || theirs.claimed) throw new Error('one of two has the step');
process.stdout.write(`design: ${theirs.holder.agent} has it, epoch ${mine.epoch}\n`);

// Who does not hold a step cannot end it.
const refused = await developer.complete('design').catch((error) => error);
if (!(refused instanceof LostError)) throw refused;

await designer.memory.set('design.contract', { header: 'Authorization', without: 401 });
await writeFile(join(folder, 'notes.md'), '# Design\n');
const notes = await designer.artifacts.upload(join(folder, 'notes.md'), { step: 'design' });
await designer.complete('design', {
  note: 'one middleware, 401 without a token',
  nextAgent: 'developer',
  nextAction: 'build it',
  artifacts: [notes.name],
});

await developer.waitFor('design', { timeoutMs: 10_000 });
const { messages, markSeen } = await developer.newMail();
for (const { from, message } of messages) process.stdout.write(`${from}: ${message}\n`);
await markSeen();
const contract = await developer.memory.get('design.contract');
process.stdout.write(`contract: ${JSON.stringify(contract?.value)}\n`);

await Promise.all([designer.close(), developer.close()]);
