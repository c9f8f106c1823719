import { writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { backfillParts } from '../../src/mirror/watch/drain.js';
import { createRedactor } from '../../src/redact/redactor.js';
import { settle, WriterRig } from '../support/writer-rig.js';

const secret = 'ghp_16C7e42F292c6912E7710c838347Ae178B4a';

/** Lines without a secret, with a few, with one in each, and a line longer than any part. */
function transcript(seed: number): Buffer {
  const line = (n: number, hidden: string): string =>
    `{"n":${n},"text":"${hidden}${'w '.repeat(600)}"}\n`;
  const clean = Array.from({ length: 7_000 }, (_, n) => line(n + seed, ''));
  const few = Array.from({ length: 7_000 }, (_, n) => line(n, n % 50 === 0 ? secret : ''));
  const each = Array.from({ length: 100 }, (_, n) => line(n, `${secret} `));
  const long = line(seed, 'w '.repeat(4_600_000));
  return Buffer.from([...clean, ...few, long, ...each].join(''));
}

it('sends long backlogs of several sessions at once, redacted and otherwise byte for byte', async () => {
  const redactor = createRedactor();
  await Promise.all(
    [0, 1].map(async (seed) => {
      const rig = await WriterRig.create();
      const source = transcript(seed);
      await writeFile(rig.path, source);
      await settle(rig.open(), backfillParts);
      const expected = source
        .toString('latin1')
        .split(/(?<=\n)/)
        .map((line) => redactor.redact(Buffer.from(line, 'latin1')).bytes);
      expect((await rig.archived()).equals(Buffer.concat(expected))).toBe(true);
      // Another process compares every part with the digests and fingerprints of this one.
      expect(await rig.verdict()).toMatchObject({ state: 'ok', generation: 0, rest: 0 });
      const again = rig.open();
      expect(await again.audit()).toMatchObject({ state: 'level' });
      expect((await rig.names()).filter((name) => /g0*1/.test(name))).toEqual([]);
      await rig.remove();
    }),
  );
});
