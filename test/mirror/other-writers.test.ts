import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { announceWriter } from '../../src/mirror/slots/other-writers.js';
import { encodeDocument } from '../../src/protocol/documents.js';
import { sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { MirrorRig } from '../support/mirror-rig.js';
import { unarbitrated } from '../support/unarbitrated.js';

let rig: MirrorRig;
let plain: Bucket;
let id: string;
let transcript: Transcript;

beforeEach(async () => {
  rig = await MirrorRig.create();
  plain = unarbitrated(rig.bucket);
  id = sessionUuid();
  transcript = new Transcript(join(rig.tree.home, '.claude', 'projects', '-work', `${id}.jsonl`));
});

afterEach(() => rig.remove());

/** As another machine's mirror leaves it. */
async function leaveHost(host: string | null): Promise<void> {
  const key = rig.layout.meta('claude-code', id);
  const stored = await rig.bucket.get(key);
  await rig.bucket.put(key, encodeDocument({ ...JSON.parse(String(stored?.body)), host }));
}

async function mirror(bucket: Bucket, text: string): Promise<readonly string[]> {
  await transcript.append(userRow(text, { sessionId: id, cwd: '/work' }));
  const run = rig.once({ bucket });
  expect((await run.ended).behind).toEqual([]);
  return run.troubles.map(({ message }) => message);
}

describe('a second machine where the store does not arbitrate', () => {
  it('learns which sessions the other machine writes', async () => {
    expect(await mirror(plain, 'one')).toEqual([]);
    expect(await mirror(plain, 'two')).toEqual([]);
    await leaveHost('desk');
    expect(await mirror(plain, 'three')).toEqual([`${id} from desk`]);
    expect(await mirror(plain, 'four')).toEqual([]);
    await leaveHost(null);
    expect(await mirror(plain, 'five')).toEqual([]);
    await rig.bucket.put(rig.layout.meta('claude-code', id), Buffer.from('torn'));
    expect(await mirror(plain, 'six')).toEqual([]);
  });

  it('causes no warning if the store arbitrates', async () => {
    await mirror(rig.bucket, 'one');
    await leaveHost('desk');
    expect(await mirror(rig.bucket, 'two')).toEqual([]);
  });
});

describe('the names of writers', () => {
  const announce = (host: string) => announceWriter(plain, rig.layout, host);

  it('are stored and shown to others, newest first', async () => {
    expect(await announce('laptop')).toEqual([]);
    expect(await announce('desk')).toMatchObject([{ host: 'laptop' }]);
    expect(await announce('laptop')).toMatchObject([{ host: 'desk' }]);
    const [first, second] = await announce('server');
    expect([first?.host, second?.host]).toEqual(['laptop', 'desk']);
    const stored = await plain.get(rig.layout.writers());
    expect(JSON.parse(String(stored?.body))).toEqual({
      schema: 1,
      hosts: {
        server: { at: expect.stringMatching(/Z$/) },
        laptop: { at: first?.at },
        desk: { at: second?.at },
      },
    });
  });

  it('start over if the document cannot be read', async () => {
    await plain.put(rig.layout.writers(), Buffer.from('[1, 2'));
    expect(await announce('laptop')).toEqual([]);
    expect(await announce('desk')).toMatchObject([{ host: 'laptop' }]);
  });
});
