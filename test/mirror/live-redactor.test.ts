import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeIo } from '../../src/io.js';
import { LiveRedactor } from '../../src/mirror/watch/live-redactor.js';
import { createRedactor } from '../../src/redact/redactor.js';
import { lineOf, sessionUuid, userRow } from '../support/claude-tree.js';
import { ManualClock } from '../support/manual-clock.js';
import { MirrorRig } from '../support/mirror-rig.js';

const clock = new ManualClock();

function live(known: readonly string[] = []): LiveRedactor {
  const create = (values: readonly string[]) => createRedactor({ knownSecrets: values });
  return new LiveRedactor({ create, known, io: nodeIo, clock });
}

describe('a secret that only the user knows', () => {
  let rig: MirrorRig;
  let folder = '';

  beforeEach(async () => {
    rig = await MirrorRig.create();
    folder = join(rig.tree.home, 'work');
    await mkdir(folder);
  });

  afterEach(() => rig.remove());

  it("is learned from the .env files of a session's folder before its first line is sent", async () => {
    const secret = 'tJ6xW2qR8mKz';
    await writeFile(join(folder, '.env'), `PORT=8080\nexport SHOP_API_TOKEN="${secret}"\n`);
    await writeFile(join(folder, '.env.example'), 'OTHER_TOKEN=put-your-token-here-please\n');
    const id = sessionUuid();
    const context = { sessionId: id, cwd: folder };
    await rig.tree
      .session(folder, id)
      .append(userRow(`port 8080, ${secret} and put-your-token-here-please`, context));
    const redactor = live();
    const run = rig.once({ redactor, learnFrom: (cwd) => redactor.learnFrom(cwd) });
    await run.ended;
    const [part = ''] = (await rig.keys()).filter((key) => key.endsWith('.jsonl'));
    const body = (await rig.bucket.get(part))?.body.toString();
    expect(body).toContain('port 8080, [REDACTED:known] and put-your-token-here-please');
  });

  it('may be rotated between two runs without a new generation or a second upload', async () => {
    const id = sessionUuid();
    const context = { sessionId: id, cwd: folder };
    const [first, second] = ['gH4kPz9wXq2m', 'nB7vLc3sTy6d'];
    const transcript = rig.tree.session(folder, id);
    await writeFile(join(folder, '.env'), `TOKEN=${first}\n`);
    await transcript.append(userRow(`${first} ${second}`, context));
    const before = live();
    await rig.once({ redactor: before, learnFrom: (cwd) => before.learnFrom(cwd) }).ended;
    await writeFile(join(folder, '.env'), `TOKEN=${second}\n`);
    await transcript.append(lineOf(userRow(`again ${first} ${second}`, context)));
    const after = live();
    const run = rig.once({
      redactor: after,
      learnFrom: (cwd) => after.learnFrom(cwd),
      stateFolder: `${rig.stateFolder}-new`,
    });
    await run.ended;
    expect(run.generations).toEqual([]);
    expect(run.parts).toEqual([`${id}/`]);
    const verdict = (await rig.verdicts()).get(`${id}/`);
    expect(verdict).toMatchObject({ state: 'ok', shippedLines: 2, redactedLines: 2 });
  });

  it('is reread after half a minute, and does not show in the redactor version', async () => {
    const redactor = live(['eV5nRk8xQw2Z']);
    const { version } = redactor;
    const line = Buffer.from('eV5nRk8xQw2Z and fL3tYp7mJb9C\n');
    await redactor.learnFrom(folder);
    await writeFile(join(folder, '.env.local'), 'DB_PASSWORD=fL3tYp7mJb9C\n');
    await redactor.learnFrom(folder);
    expect(redactor.redact(line).bytes.toString()).toBe('[REDACTED:known] and fL3tYp7mJb9C\n');
    clock.advance(31_000);
    await redactor.learnFrom(folder);
    expect(redactor.redact(line).bytes.toString()).toBe('[REDACTED:known] and [REDACTED:known]\n');
    expect(redactor.version).toBe(version);
  });

  it("is never a word or the name of a folder in a session's path", async () => {
    const project = join(folder, 'k9Xw-demo-Q4z');
    await mkdir(project);
    await writeFile(
      join(project, '.env'),
      'A_TOKEN=permission_mode\nB_SECRET=warehouse\nC_KEY=k9Xw-demo-Q4z\nD_TOKEN=uR5cHw8kNe2J\n',
    );
    const elsewhere = sessionUuid();
    const here = sessionUuid();
    const said = 'permission_mode of the warehouse';
    const shared = { sessionId: elsewhere, cwd: folder, permissionMode: 'permission_mode' };
    await rig.tree.session(folder, elsewhere).append(userRow(said, shared));
    const own = { sessionId: here, cwd: project };
    await rig.tree.session(project, here).append(userRow(`${said}: uR5cHw8kNe2J`, own));
    const redactor = live();
    await rig.once({ redactor, learnFrom: (cwd) => redactor.learnFrom(cwd) }).ended;
    const keys = (await rig.keys()).filter((key) => key.endsWith('.jsonl'));
    const bodies = await Promise.all(keys.map((key) => rig.bucket.get(key)));
    const text = bodies.map((object) => object?.body.toString()).join('');
    expect(text).toContain(`"${said}"`);
    expect(text).toContain(`"${said}: [REDACTED:known]"`);
    expect(text).toContain(JSON.stringify(project));
    expect(text.match(/REDACTED/g)).toHaveLength(1);
  });

  it('cannot be learned from files that are missing, not text, or too large', async () => {
    const redactor = live();
    await redactor.learnFrom(join(folder, 'nowhere'));
    await mkdir(join(folder, '.env'));
    await writeFile(join(folder, '.env.binary'), Buffer.from([0, 255, 61, 10, 200]));
    await writeFile(join(folder, '.env.huge'), `TOKEN=${'x1y2z3'.repeat(100_000)}`);
    clock.advance(31_000);
    await redactor.learnFrom(folder);
    const line = Buffer.from('nothing to hide\n');
    expect(redactor.redact(line).bytes).toBe(line);
  });
});
