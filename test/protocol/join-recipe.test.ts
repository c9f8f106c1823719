import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { createLocalBucketIfMissing, openLocalBucket } from '../../src/bucket/local/bucket.js';
import { listStream } from '../../src/mirror/slots/listing.js';
import { readChain } from '../../src/mirror/slots/reader.js';
import { encodeDocument } from '../../src/protocol/documents.js';
import { generationName, partName } from '../../src/protocol/parts.js';
import { repositoryRoot } from '../support/run-cli.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';

const prefix = 'shop/sessions/codex/s/';
const tools = ['sh', 'jq', 'sha256sum'];
const missing = tools.filter((tool) => !isInstalled(tool));

/** The first block of code after the marker. */
function recipe(): string {
  const page = readFileSync(join(repositoryRoot, 'docs', 'bucket-layout.md'), 'utf8');
  const found = /<!-- join-stream -->\n```sh\n(.*?)```/s.exec(page)?.[1];
  if (found === undefined) throw new Error('docs/bucket-layout.md has no recipe any more');
  return found;
}

function isInstalled(tool: string): boolean {
  try {
    execFileSync(tool, [tool === 'sh' ? '-c' : '--version', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function opening(
  gen: number,
  firstSeq: number,
  base: { gen: number; parts: number } | null,
): Buffer {
  const at = '2026-01-02T03:04:05.678Z';
  return encodeDocument({ gen, firstSeq, base, reason: 'rewritten', who: 'alex@laptop', at });
}

/** Generations 1 to 4 each build on the one before; the base of 4 ends inside generation 0. Generation 5 shares nothing. */
const files: Readonly<Record<string, string | Buffer>> = {
  [partName(0, 0, 0)]: '{"a":1}\n{"a":2}\n',
  [partName(1, 0, 2)]: '{"a":3}\n',
  [partName(2, 0, 3)]: '{"a":4}\n',
  [generationName(1)]: opening(1, 3, { gen: 0, parts: 2 }),
  [partName(3, 1, 3)]: '{"b":4}\n{"b":5}\n',
  [partName(4, 1, 5)]: '{"b":6}\n',
  [generationName(2)]: opening(2, 5, { gen: 1, parts: 3 }),
  [partName(5, 2, 5)]: '{"c":6}\n',
  [generationName(3)]: opening(3, 6, { gen: 2, parts: 4 }),
  [partName(6, 3, 6)]: '{"d":7}\n',
  [generationName(4)]: opening(4, 7, { gen: 3, parts: 1 }),
  [partName(7, 4, 2)]: '{"e":3}\n',
  [generationName(5)]: opening(5, 8, null),
  [partName(8, 5, 0)]: '{"f":1}\n',
  'meta.json': '{}\n',
};

describe.skipIf(missing.length > 0)(
  `the recipe of docs/bucket-layout.md${missing.length > 0 ? ` (needs ${missing.join(', ')})` : ''}`,
  () => {
    let folder: string;
    let remove: () => Promise<void>;
    let bucket: Bucket;

    beforeEach(async () => {
      ({ path: folder, remove } = await createTemporaryFolder());
      const root = join(folder, 'bucket');
      await createLocalBucketIfMissing(root);
      bucket = await openLocalBucket({ root });
      for (const [leaf, body] of Object.entries(files)) {
        await bucket.put(prefix + leaf, Buffer.from(body));
      }
      await mkdir(join(folder, 'bin'));
      await writeFile(join(folder, 'bin', 'join-stream.sh'), recipe());
    });

    afterEach(() => remove());

    async function joined(...more: readonly string[]): Promise<string> {
      const script = join(folder, 'bin', 'join-stream.sh');
      const place = join(folder, 'bucket', prefix);
      const { stdout } = await promisify(execFile)('sh', [script, place, ...more]);
      return stdout;
    }

    it.each([0, 1, 2, 3, 4, 5])('joins generation %i as any reader does', async (generation) => {
      const listing = await listStream(bucket, prefix);
      const bodies: Buffer[] = [];
      for await (const part of readChain(bucket, listing, generation)) bodies.push(part.body);
      expect(bodies.length).toBeGreaterThan(0);
      expect(await joined(String(generation))).toBe(Buffer.concat(bodies).toString());
    });

    it('joins the newest one if none is named', async () => {
      expect(await joined()).toBe('{"f":1}\n');
    });

    it('ends inside the base of a base', async () => {
      expect(await joined('4')).toBe('{"a":1}\n{"a":2}\n{"e":3}\n');
    });
  },
);
