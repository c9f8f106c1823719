import { statSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { defaultFlushTiming } from '../../src/mirror/watch/flush-schedule.js';
import { noRedaction } from '../../src/redact/redact.js';
import { sessionUuid } from '../support/claude-tree.js';
import { buildMutant, type Mutation } from '../support/mutant-build.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';
import * as ours from './mistakable.js';

type Subject = typeof ours;

interface Mistake {
  readonly name: string;
  readonly mutations: readonly Mutation[];
  /** What holds as long as nobody makes the mistake. */
  readonly holds: (subject: Subject) => Promise<boolean>;
}

/** Streams that are sent at a time. */
const lanes = 4;

const mistakes: readonly Mistake[] = [
  {
    name: 'a backlog goes before what is live',
    mutations: [
      {
        file: 'src/mirror/watch/upload-queue.ts',
        from: 'isBackfill ? 0 : 1',
        to: 'isBackfill ? 1 : 0',
      },
    ],
    holds: isLiveFirst,
  },
  {
    name: 'an edit that keeps the size goes unnoticed',
    mutations: [{ file: 'files/file-snapshot.ts', from: 'stat.ctimeNs', to: 'stat.size' }],
    holds: seesSameSize,
  },
  {
    name: 'a gap is filled without a look at what follows it',
    mutations: [
      {
        file: 'src/mirror/slots/gap-repair.ts',
        from: '!(await isFollowedBy(context, stream, listing, checkpoint, chunk.next))',
        to: 'false',
      },
    ],
    holds: leavesForeignGap,
  },
];

function numbered(label: string, count: number): string {
  return Array.from({ length: count }, (_, n) => `{"turn":"${label}${n}"}\n`).join('');
}

/** More streams with a backlog than are sent at a time, and a small one behind them: it gets the first lane that is free. */
async function isLiveFirst({ MirrorRig }: Subject): Promise<boolean> {
  const rig = await MirrorRig.create();
  try {
    const ids = Array.from({ length: 6 }, () => sessionUuid());
    for (const [at, id] of ids.entries()) {
      const path = await rig.tree.file(rig.tree.path('/srv', `${id}.jsonl`));
      await writeFile(path, at < 5 ? numbered(' '.repeat(1 << 20), 5) : numbered('live', 1));
    }
    const sent: string[] = [];
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const bucket: Bucket = {
      ...rig.bucket,
      putIfAbsent: async (key, ...rest) => {
        if (!key.includes('/part-')) return rig.bucket.putIfAbsent(key, ...rest);
        const place = sent.push(key);
        if (place >= lanes + 1) release();
        if (place < lanes) await released;
        return rig.bucket.putIfAbsent(key, ...rest);
      },
    };
    const timing = { ...defaultFlushTiming, firstDelayMs: 0 };
    const run = rig.watch({ bucket, timing, redactor: noRedaction });
    await rig.untilShipped(run, 26);
    await run.end();
    return sent[lanes]?.includes(ids.at(-1) ?? '?') === true;
  } finally {
    await rig.remove();
  }
}

/** A rewrite in place shows in no size, and its time may be put back: only the change time tells. */
async function seesSameSize({ jsonlFile, nodeIo }: Subject): Promise<boolean> {
  const folder = await createTemporaryFolder();
  try {
    const path = join(folder.path, 'session.jsonl');
    const session = { harness: 'claude-code', id: sessionUuid() } as const;
    const stream = jsonlFile({ io: nodeIo, path, session, name: '', facts: (_, before) => before });
    writeFileSync(path, numbered('a', 3));
    const before = await stream.changed(undefined);
    const { ctimeNs } = statSync(path, { bigint: true });
    // Times of files tick more coarsely than writes can follow each other.
    while (statSync(path, { bigint: true }).ctimeNs === ctimeNs) {
      writeFileSync(path, numbered('b', 3), { flag: 'r+' });
    }
    return (await stream.changed(before)) !== undefined;
  } finally {
    await folder.remove();
  }
}

/** A part vanished, and what followed it is no longer the source's: the old generation must not get lines it never had. */
async function leavesForeignGap({ MirrorRig }: Subject): Promise<boolean> {
  const rig = await MirrorRig.create();
  try {
    const id = sessionUuid();
    const path = await rig.tree.file(rig.tree.path('/srv', `${id}.jsonl`));
    for (const lines of [2, 4, 6]) {
      await writeFile(path, numbered('a', lines));
      await rig.once().ended;
    }
    const prefix = rig.layout.session('claude-code', id);
    const partsNow = async () => (await rig.keys(prefix)).filter((key) => key.includes('/part-'));
    const [, lost = ''] = await partsNow();
    await rig.bucket.delete(lost);
    await writeFile(path, numbered('a', 2) + numbered('b', 5));
    await rig.once({ stateFolder: `${rig.stateFolder}-of-another-machine` }).ended;
    return !(await partsNow()).includes(lost);
  } finally {
    await rig.remove();
  }
}

describe.each(mistakes)('where $name', ({ mutations, holds }) => {
  it('the suite fails', async () => {
    expect(await holds(ours)).toBe(true);
    const mutant = await buildMutant('test/mirror/mistakable.ts', mutations);
    try {
      const wrong: Subject = await import(mutant.path);
      expect(await holds(wrong)).toBe(false);
    } finally {
      await mutant.remove();
    }
  }, 120_000);
});
