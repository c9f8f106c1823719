import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { UnreachableError, UnsupportedError } from '../../src/errors.js';
import { listStream } from '../../src/mirror/slots/listing.js';
import { rangePath } from '../../src/mirror/slots/range-path.js';
import { readChain } from '../../src/mirror/slots/reader.js';
import { rangePartName } from '../../src/protocol/parts.js';
import { sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { MirrorRig } from '../support/mirror-rig.js';

type Fate = 'applied' | 'unsent' | 'unanswered';

let rig: MirrorRig;
let fates: Fate[];
let put: string[];
let plain: Bucket;
let id: string;
let transcript: Transcript;

beforeEach(async () => {
  rig = await MirrorRig.create();
  fates = [];
  put = [];
  plain = withoutConditions(rig.bucket);
  id = sessionUuid();
  const path = join(rig.tree.home, '.claude', 'projects', '-work', `${id}.jsonl`);
  transcript = new Transcript(path);
});

afterEach(() => rig.remove());

/** A store that takes every write, as plain Hugging Face does. Fates are of the parts' writes. */
function withoutConditions(real: Bucket): Bucket {
  const refuse = async (): Promise<never> => {
    throw new UnsupportedError('no conditional writes here');
  };
  return {
    ...real,
    capabilities: { putIfAbsent: false, putIfMatch: false },
    putIfAbsent: refuse,
    putIfMatch: refuse,
    put: async (key, body, options) => {
      if (!key.includes('/part-')) return real.put(key, body, options);
      const fate = fates.shift() ?? 'applied';
      if (fate === 'unsent') throw new UnreachableError('scripted: not sent');
      put.push(key);
      const written = await real.put(key, body, options);
      if (fate === 'unanswered') throw new UnreachableError('scripted: no answer');
      return written;
    },
  };
}

const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) =>
    userRow(`row ${from + index}`, { sessionId: id, cwd: '/work' }),
  );

async function stored(): Promise<string> {
  const prefix = rig.layout.session('claude-code', id);
  const listing = await listStream(rig.bucket, prefix);
  const bodies: Buffer[] = [];
  for await (const part of readChain(rig.bucket, listing, listing.newestGeneration)) {
    bodies.push(part.body);
  }
  return Buffer.concat(bodies).toString('utf8');
}

const once = async (): Promise<number> => (await rig.once({ bucket: plain }).ended).behind.length;

describe('a store that cannot arbitrate', () => {
  it('gets every line once, over many runs', async () => {
    for (let round = 0; round < 4; round += 1) {
      await transcript.append(...rows(round * 3, round * 3 + 3));
      expect(await once()).toBe(0);
    }
    expect(await stored()).toBe(await readFile(transcript.path, 'utf8'));
    expect(new Set(put).size).toBe(4);
    expect(await once()).toBe(0);
    expect(put).toHaveLength(4);
  });

  it.each(['unsent', 'unanswered'] as const)(
    'gets the same part again after one that was %s',
    async (fate) => {
      await transcript.append(...rows(0, 3));
      fates = Array.from({ length: 1 }, (): Fate => fate);
      await once();
      await transcript.append(...rows(3, 6));
      expect(await once()).toBe(0);
      expect(await once()).toBe(0);
      expect(await stored()).toBe(await readFile(transcript.path, 'utf8'));
      const names = new Set(put);
      expect([...names].filter((key) => key.includes('part-00000'))).toHaveLength(1);
    },
  );

  it('has no batch left locally once it was put', async () => {
    await transcript.append(...rows(0, 3));
    await once();
    const files = await readdir(rig.stateFolder, { recursive: true });
    expect(files.filter((file) => file.endsWith('.outbox'))).toEqual([]);
  });

  it('is continued from the bucket alone if local state is lost', async () => {
    await transcript.append(...rows(0, 3));
    await once();
    await transcript.append(...rows(3, 5));
    const fresh = join(rig.stateFolder, 'other');
    await rig.once({ bucket: plain, stateFolder: fresh }).ended;
    expect(await stored()).toBe(await readFile(transcript.path, 'utf8'));
    expect(put).toHaveLength(2);
  });

  it('does not continue a chain of slots', async () => {
    await transcript.append(...rows(0, 3));
    await rig.once().ended;
    await transcript.append(...rows(3, 5));
    expect(await once()).toBe(1);
    expect(put).toEqual([]);
  });

  it('is followed by a new generation once slots are used again', async () => {
    await transcript.append(...rows(0, 3));
    await once();
    await transcript.append(...rows(3, 5));
    const run = rig.once();
    await run.ended;
    expect(run.generations).toHaveLength(1);
    expect(await stored()).toBe(await readFile(transcript.path, 'utf8'));
  });
});

describe('the path through overlapping parts', () => {
  const entry = (name: string) =>
    [name, { kind: 'object', key: name, size: 1_000, modifiedAt: new Date(0) }] as const;

  it('is the longest one', () => {
    const parts = new Map(
      [
        rangePartName(0, 0, 0, 10),
        rangePartName(0, 0, 0, 12),
        rangePartName(1, 0, 10, 15),
        rangePartName(1, 0, 12, 14),
        rangePartName(2, 0, 14, 20),
        rangePartName(2, 1, 15, 90),
      ].map(entry),
    );
    const path = rangePath(parts, 0, 0, 0).map(({ startLine, endLine }) => [startLine, endLine]);
    expect(path).toEqual([
      [0, 12],
      [12, 14],
      [14, 20],
    ]);
  });
});
