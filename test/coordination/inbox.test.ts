import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Bucket, Entry, ObjectEntry } from '../../src/bucket/bucket.js';
import {
  countUnread,
  deleteMail,
  readInbox,
  readNewestMail,
  readNewMail,
} from '../../src/coordination/mail/inbox.js';
import { sendMail } from '../../src/coordination/mail/mailbox.js';
import { MailRig, readOut, texts } from '../support/mail-rig.js';

const minute = 60_000;
const hour = 60 * minute;

describe('an inbox', () => {
  it('shows direct and broadcast mail in the order sent, again and again', async () => {
    const rig = new MailRig();
    const [designer, developer] = [rig.mailbox('designer'), rig.mailbox('developer')];
    await sendMail(designer, { to: 'developer', message: 'one' });
    await sendMail(designer, { to: null, message: 'two' });
    await sendMail(designer, { to: 'reviewer', message: 'not yours' });
    rig.advance(1);
    await sendMail(designer, { to: 'developer', message: 'three', step: 'S1.A' });
    for (let n = 0; n < 2; n += 1) {
      const { mail, skipped, strays } = await readInbox(developer);
      expect(mail.map(({ kind, from, message }) => [kind, from, message])).toEqual([
        ['direct', 'designer', 'one'],
        ['broadcast', 'designer', 'two'],
        ['direct', 'designer', 'three'],
      ]);
      expect({ skipped, strays }).toEqual({ skipped: [], strays: [] });
    }
    expect(texts(await readInbox(developer, { step: 's1-a' }))).toEqual(['three']);
  });

  it('deletes what was sent to its agent alone', async () => {
    const rig = new MailRig();
    const developer = rig.mailbox('developer');
    rig.plant({ to: 'developer', message: 'one' });
    rig.plant({ to: null, message: 'two' });
    expect(await deleteMail(developer, (await readInbox(developer)).mail)).toBe(1);
    expect(texts(await readInbox(developer))).toEqual(['two']);
  });

  it('skips objects that are not messages, and reports them', async () => {
    const rig = new MailRig();
    const developer = rig.mailbox('developer');
    const folder = rig.layout.messages('developer');
    const bad = [
      rig.plant({ to: 'developer', message: 'a' }),
      rig.plant({ to: 'developer', message: 'b' }),
      rig.plant({ to: null, message: 'c' }),
      rig.plant({ to: 'developer', message: 'd' }),
    ];
    const bodies = ['not JSON', '{"message": 7}', '[]', 'x'.repeat(3 << 20)];
    bad.forEach((key, n) => {
      rig.put(key, bodies[n] ?? '');
    });
    rig.put(`${folder}readme.json`, '{}');
    rig.put(`${folder}_note.json`, '{}');
    rig.put(`${folder}deep/1767323045000000000_x_00000001.json`, '{}');
    rig.plant({ to: 'developer', message: 'good' });
    const { mail, skipped, strays } = await readInbox(developer);
    expect(mail.map(({ message }) => message)).toEqual(['good']);
    expect(skipped.map(({ key }) => key).sort()).toEqual([...bad].sort());
    for (const { key, error } of skipped) expect(error.message).toContain(key);
    expect(strays).toEqual([`${folder}readme.json`]);
    const first = await readNewMail(developer);
    expect(first.skipped).toHaveLength(4);
    await first.remember();
    expect((await readNewMail(developer)).skipped).toEqual([]);
  });
});

describe('new mail', () => {
  it('is new once, for each reader', async () => {
    const rig = new MailRig();
    rig.plant({ to: 'developer', message: 'one' });
    rig.plant({ to: null, message: 'two' });
    expect(await countUnread(rig.mailbox('developer'))).toEqual({ direct: 1, broadcast: 1 });
    expect(await readOut(rig.mailbox('developer'))).toEqual(['one', 'two']);
    expect(await readOut(rig.mailbox('developer'))).toEqual([]);
    expect(await readOut(rig.mailbox('reviewer'))).toEqual(['two']);
    rig.advance(hour);
    rig.plant({ to: null, message: 'three' });
    expect(await countUnread(rig.mailbox('developer'))).toEqual({ direct: 0, broadcast: 1 });
    expect(await readOut(rig.mailbox('developer'))).toEqual(['three']);
    expect(await readOut(rig.mailbox('reviewer'))).toEqual(['three']);
  });

  it('of a reader stopped before it is remembered is new again', async () => {
    const rig = new MailRig();
    rig.plant({ to: 'developer', message: 'one' });
    expect(texts(await readNewMail(rig.mailbox('developer')))).toEqual(['one']);
    expect(await readOut(rig.mailbox('developer'))).toEqual(['one']);
    expect(await readOut(rig.mailbox('developer'))).toEqual([]);
  });

  it('that arrives minutes late is shown once, and hides nobody else’s', async () => {
    const rig = new MailRig();
    const developer = rig.mailbox('developer');
    rig.plant({ to: 'developer', message: 'in time' });
    expect(await readOut(developer)).toEqual(['in time']);
    rig.plant({ to: 'developer', message: 'two minutes late', agoMs: 2 * minute });
    expect(await readOut(developer)).toEqual(['two minutes late']);
    rig.plant({ to: 'developer', message: 'later' });
    expect(await readOut(developer)).toEqual(['later']);
    rig.advance(hour);
    expect(await readOut(developer)).toEqual([]);
  });

  it.each([
    ['behind', hour],
    ['ahead', -hour],
  ])(
    'of a sender whose clock is an hour %s is shown once, and hides nobody else’s',
    async (_, agoMs) => {
      const rig = new MailRig();
      const developer = rig.mailbox('developer');
      rig.plant({ to: 'developer', message: 'before' });
      expect(await readOut(developer)).toEqual(['before']);
      rig.advance(30 * minute);
      rig.plant({ to: 'developer', message: 'right' });
      expect(await readOut(developer)).toEqual(['right']);
      rig.plant({ to: 'developer', message: 'skewed', agoMs });
      expect(await readOut(developer)).toEqual(['skewed']);
      for (let n = 0; n < 12; n += 1) {
        rig.plant({ to: 'developer', message: `${n}` });
        expect(await readOut(developer)).toEqual([`${n}`]);
        rig.advance(15 * minute);
      }
    },
  );

  it('shows each message once, however late, skewed or interrupted', async () => {
    const step = fc.oneof(
      fc.record({
        act: fc.constant('send' as const),
        to: fc.constantFrom('developer', 'reviewer', null),
        agoMs: fc.integer({ min: -hour, max: hour }),
        step: fc.constantFrom('build', 'review'),
      }),
      fc.record({
        act: fc.constant('wait' as const),
        ms: fc.integer({ min: 1, max: 40 * minute }),
      }),
      fc.record({
        act: fc.constant('read' as const),
        by: fc.constantFrom('developer', 'reviewer'),
        step: fc.constantFrom('build', 'review', undefined),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const rig = new MailRig();
        const sent = { developer: [] as string[], reviewer: [] as string[] };
        const got = { developer: [] as string[], reviewer: [] as string[] };
        const read = async (by: 'developer' | 'reviewer', step?: string) => {
          const inbox = await readNewMail(rig.mailbox(by), { step });
          got[by].push(...texts(inbox));
          await inbox.remember();
        };
        for (const [n, one] of steps.entries()) {
          if (one.act === 'wait') rig.advance(one.ms);
          // Mail about another step must not be taken for seen.
          if (one.act === 'read') await read(one.by, one.step);
          if (one.act !== 'send') continue;
          rig.plant({ ...one, message: `${n}` });
          if (one.to !== 'reviewer') sent.developer.push(`${n}`);
          if (one.to !== 'developer') sent.reviewer.push(`${n}`);
        }
        for (let n = 0; n < 2; n += 1) {
          await read('developer');
          await read('reviewer');
          rig.advance(3 * hour);
        }
        expect(got.developer.sort()).toEqual(sent.developer.sort());
        expect(got.reviewer.sort()).toEqual(sent.reviewer.sort());
      }),
      { numRuns: Number(process.env.TRACECRAFT_PROPERTY_RUNS ?? 300) },
    );
  });

  it('about other steps stays new, however old it gets', async () => {
    const rig = new MailRig();
    const developer = rig.mailbox('developer');
    rig.plant({ to: 'developer', message: 'stamped long ago', step: 'build', agoMs: 3 * hour });
    rig.plant({ to: 'developer', message: 'build', step: 'build' });
    rig.advance(hour);
    rig.plant({ to: 'developer', message: 'review', step: 'review' });
    const about = await readNewMail(developer, { step: 'review' });
    expect(texts(about)).toEqual(['review']);
    await about.remember();
    rig.advance(3 * hour);
    rig.plant({ to: 'developer', message: 'late' });
    expect(await readOut(developer)).toEqual(['stamped long ago', 'build', 'late']);
    expect(await readOut(developer)).toEqual([]);
  });

  it.each([
    ['behind', -hour],
    ['ahead', hour],
  ])(
    'is complete for a reader whose own clock, taken for the store’s, is an hour %s',
    async (_, offMs) => {
      const rig = new MailRig();
      const skewed = rig.mailbox('developer', (bucket) => ({
        ...bucket,
        now: async () => new Date(rig.store.nowMs + offMs),
      }));
      for (let n = 0; n < 24; n += 1) {
        rig.plant({ to: 'developer', message: `${n}` });
        // One after the other reads the same mailbox, on different machines.
        expect(await readOut(n % 2 === 0 ? skewed : rig.mailbox('developer'))).toEqual([`${n}`]);
        rig.advance(7 * minute);
      }
      expect(await readOut(skewed)).toEqual([]);
    },
  );

  it('excludes the agent’s own broadcasts', async () => {
    const rig = new MailRig();
    const developer = rig.mailbox('developer');
    await sendMail(developer, { to: null, message: 'mine' });
    await sendMail(developer, { to: 'developer', message: 'a reminder' });
    expect(await readOut(developer)).toEqual(['a reminder']);
    expect(texts(await readInbox(developer))).toEqual(['mine', 'a reminder']);
  });

  it('is searched for from the cursor on, which stays ten minutes behind', async () => {
    const rig = new MailRig();
    const developer = rig.mailbox('developer');
    rig.plant({ to: 'developer', message: 'old' });
    await readOut(developer);
    rig.advance(24 * hour);
    rig.plant({ to: 'developer', message: 'new' });
    await readOut(developer);
    const behindNs = BigInt(rig.store.nowMs - 10 * minute) * 1_000_000n;
    const cursor = rig.json(rig.layout.cursor('developer'));
    expect(cursor).toMatchObject({ through: String(behindNs), broadcast: [] });
    expect(cursor?.direct).toHaveLength(1);
    // One page costs one request wherever it begins, so a small mailbox is listed whole.
    rig.listedAfter.splice(0);
    expect(await readOut(developer)).toEqual([]);
    expect(rig.listedAfter).toEqual([undefined, undefined]);
    for (let n = 0; n < 1_000; n += 1) {
      rig.plant({ to: 'developer', message: 'older', agoMs: 23 * hour - n });
    }
    rig.listedAfter.splice(0);
    await readOut(developer);
    const fromNs = behindNs - BigInt(2 * hour) * 1_000_000n;
    expect(rig.listedAfter.filter((after) => after !== undefined)).toEqual([
      `${rig.layout.messages('developer')}${fromNs}`,
    ]);
  });

  it('is found however late its timestamp, and shown once', async () => {
    const rig = new MailRig();
    const developer = rig.mailbox('developer');
    rig.plant({ to: 'developer', message: 'first' });
    await readOut(developer);
    rig.advance(24 * hour);
    rig.plant({ to: 'developer', message: 'second' });
    await readOut(developer);
    rig.plant({ to: 'developer', message: 'from a slow clock', agoMs: 9 * hour });
    const [one, other] = await Promise.all([readNewMail(developer), readNewMail(developer)]);
    expect([texts(one), texts(other)]).toEqual([['from a slow clock'], ['from a slow clock']]);
    expect([await one.remember(), await other.remember()]).toEqual([true, true]);
    expect(await readOut(developer)).toEqual([]);
  });
});

describe('the cursor', () => {
  it('keeps what two readers of one mailbox have seen', async () => {
    const rig = new MailRig();
    rig.plant({ to: 'developer', message: 'one' });
    const first = await readNewMail(rig.mailbox('developer'));
    rig.plant({ to: 'developer', message: 'two' });
    const second = await readNewMail(rig.mailbox('developer'));
    expect([texts(first), texts(second)]).toEqual([['one'], ['one', 'two']]);
    expect(await second.remember()).toBe(true);
    expect(await first.remember()).toBe(true);
    expect(await readOut(rig.mailbox('developer'))).toEqual([]);
  });

  it('is also written where the store does not arbitrate', async () => {
    const rig = new MailRig();
    const refuse = () => Promise.reject(new Error('not supported'));
    const developer = rig.mailbox('developer', (bucket) => ({
      ...bucket,
      capabilities: { putIfAbsent: false, putIfMatch: false },
      putIfAbsent: refuse,
      putIfMatch: refuse,
    }));
    for (const message of ['one', 'two']) {
      rig.plant({ to: 'developer', message });
      expect(await readOut(developer)).toEqual([message]);
    }
    expect(await readOut(developer)).toEqual([]);
  });

  it.each([
    ['damaged', 'not JSON'],
    ['of another form', '{"through": 7}'],
    ['ahead of the clock', '{"through": "9999999999999999999"}'],
    ['far too large', `{"through": "0000000000000000000", "x": "${'x'.repeat(34 << 20)}"}`],
  ])('that is %s is named and written anew; everything counts as new', async (_, body) => {
    const rig = new MailRig();
    const developer = rig.mailbox('developer');
    rig.plant({ to: 'developer', message: 'one' });
    await readOut(developer);
    rig.put(rig.layout.cursor('developer'), body);
    const inbox = await readNewMail(developer);
    expect(texts(inbox)).toEqual(['one']);
    expect(inbox.damage?.message).toContain(rig.layout.cursor('developer'));
    await inbox.remember();
    expect((await readNewMail(developer)).damage).toBeUndefined();
    expect(await readOut(developer)).toEqual([]);
  });
});

/** Tells of every first look at an object's size or time. */
async function* lookedAt(entries: AsyncIterable<Entry>, onLook: () => void): AsyncIterable<Entry> {
  for await (const entry of entries) {
    if (entry.kind === 'prefix') yield entry;
    else yield new Watched(entry, onLook);
  }
}

class Watched implements ObjectEntry {
  readonly kind = 'object';
  readonly key: string;
  #isKnown = false;

  constructor(
    readonly entry: ObjectEntry,
    readonly onLook: () => void,
  ) {
    this.key = entry.key;
  }

  get size(): number {
    return this.#look().size;
  }

  get modifiedAt(): Date {
    return this.#look().modifiedAt;
  }

  #look(): ObjectEntry {
    if (!this.#isKnown) this.onLook();
    this.#isKnown = true;
    return this.entry;
  }
}

describe('a flooded mailbox', () => {
  function filled(count: number): { readonly rig: MailRig; readonly reads: () => number } {
    const rig = new MailRig();
    for (let n = 0; n < count; n += 1) {
      rig.plant({ to: 'developer', message: `text ${n}`, agoMs: count - n });
    }
    return { rig, reads: () => reads };
  }
  let reads = 0;
  const counting = (bucket: Bucket): Bucket => ({
    ...bucket,
    get: (key, options) => {
      reads += 1;
      return bucket.get(key, options);
    },
  });

  it('shows a prompt the newest messages, counts the others, and then counts as seen', async () => {
    const { rig } = filled(3_000);
    const developer = rig.mailbox('developer', counting);
    reads = 0;
    const news = await readNewestMail(developer, 3);
    expect([texts(news), news.unread]).toEqual([['text 2997', 'text 2998', 'text 2999'], 2_997]);
    expect(reads).toBeLessThan(10);
    expect(await news.remember()).toBe(true);
    expect(await readNewestMail(developer, 3)).toMatchObject({ mail: [], unread: 0 });
    rig.plant({ to: 'developer', message: 'afterwards' });
    expect(texts(await readNewestMail(developer, 3))).toEqual(['afterwards']);
  });

  it('is not examined message by message before a prompt', async () => {
    const rig = new MailRig();
    const twentyMinutes = 1_200_000;
    for (let n = 0; n < 2_600; n += 1) {
      rig.plant({ to: 'developer', message: `text ${n}`, agoMs: twentyMinutes - n });
    }
    let looks = 0;
    const looking = (bucket: Bucket): Bucket => ({
      ...bucket,
      list: (prefix, options) => {
        expect(options?.detailsOnDemand).toBe(true);
        return lookedAt(bucket.list(prefix, options), () => {
          looks += 1;
        });
      },
    });
    const developer = rig.mailbox('developer', looking);
    const news = await readNewestMail(developer, 3);
    expect(news.unread).toBe(2_597);
    expect(looks).toBeLessThan(10);
    expect(await news.remember()).toBe(true);
    expect(looks).toBeLessThan(2_100);
    looks = 0;
    expect(await readNewestMail(developer, 3)).toMatchObject({ mail: [], unread: 0 });
    expect(looks).toBe(0);
  });

  it('gives a prompt no more bytes than it can wait for', async () => {
    const rig = new MailRig();
    for (let n = 0; n < 6; n += 1) {
      rig.plant({ to: 'developer', message: `${n}`.padEnd(240_000, '漢'), agoMs: 9 - n });
    }
    const news = await readNewestMail(rig.mailbox('developer'), 20);
    expect(texts(news).map(([first]) => first)).toEqual(['1', '2', '3', '4', '5']);
    expect(news.unread).toBe(1);
  });

  it('is read from its beginning, a batch at a time, each message exactly once', async () => {
    const { rig } = filled(250);
    const developer = rig.mailbox('developer', counting);
    const seen: string[] = [];
    for (let look = 0; look < 3; look += 1) {
      const news = await readNewMail(developer, { limit: 100 });
      expect(news.unread).toBe([150, 50, 0][look]);
      seen.push(...texts(news));
      await news.remember();
    }
    expect(seen).toEqual(Array.from({ length: 250 }, (_, n) => `text ${n}`));
  });

  it('does not hide mail about a step behind mail about others', async () => {
    const { rig } = filled(150);
    rig.plant({ to: 'developer', message: 'this one', step: 'build' });
    const news = await readNewMail(rig.mailbox('developer'), { step: 'build', limit: 10 });
    expect(texts(news)).toEqual(['this one']);
  });

  it('shows the newest of all, with a limit', async () => {
    const { rig } = filled(120);
    const inbox = await readInbox(rig.mailbox('developer'), { limit: 2 });
    expect([texts(inbox), inbox.unread]).toEqual([['text 118', 'text 119'], 118]);
    expect((await readInbox(rig.mailbox('developer'))).mail).toHaveLength(120);
  });
});
