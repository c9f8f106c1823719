import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { curvesOf, judged } from '../bench/curves.mjs';
import { startStore } from '../bench/simulated-store.mjs';
import { openS3Bucket } from '../src/bucket/s3/bucket.js';
import { repositoryRoot } from './support/run-cli.js';

it('the report and docs/benchmarks.md are what the logs in bench/results say', () => {
  const script = join(repositoryRoot, 'bench', 'report.mjs');
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

describe('a curve', () => {
  it('is flat where repeated runs differ by as much', () => {
    const points = [
      [100, 0.4],
      [1_000, 0.49],
      [10_000, 0.42],
    ] as const;
    expect(judged(points, 1)).toMatchObject({
      is_flat: true,
      grows_from: '',
      hurts_from: 'not seen',
    });
  });

  it('tells from which size on it grows, by how much, and where it hurts', () => {
    const points = [
      [100, 0.4],
      [1_000, 0.45],
      [10_000, 0.9],
      [100_000, 5.4],
    ] as const;
    expect(judged(points, 1)).toMatchObject({
      is_flat: false,
      times: 13.5,
      grows_from: 10_000,
      per_thousand_more: 0.05,
      hurts_from: 100_000,
    });
  });

  it('is judged by size, whatever the order of the rows, and only by what was measured', () => {
    const row = (size: number, cpu_s: number) => ({ curve: 'mail', what: 'inbox', size, cpu_s });
    const curves = curvesOf([row(1_000, 2), row(10, 0.5), { ...row(100, 0.5), requests: 3 }]);
    expect(curves).toMatchObject([{ curve: 'mail', what: 'inbox', measure: 'cpu_s', times: 4 }]);
    expect(curves).toHaveLength(1);
  });
});

describe('the simulated store', () => {
  it('lists and pages as S3 does, with folders, and arbitrates', async () => {
    const keys = Array.from({ length: 2_500 }, (_, n) => `p/a/${String(n).padStart(5, '0')}/x`);
    const objects = new Map(keys.map((key) => [key, Buffer.from(key)]));
    const store = await startStore(objects);
    const account = { region: 'us-east-1', accessKey: 'a', secretKey: 'b' };
    const bucket = openS3Bucket({ bucket: 'bench', endpoint: store.endpoint, ...account });
    try {
      const listed: string[] = [];
      for await (const entry of bucket.list('p/a/', { delimiter: '/', after: 'p/a/00009/' })) {
        listed.push(entry.kind === 'prefix' ? entry.prefix : entry.key);
      }
      expect(listed).toEqual(keys.slice(10).map((key) => key.slice(0, -1)));
      expect(store.state.requests).toBe(3);
      expect((await bucket.get('p/a/00042/x'))?.body.toString()).toBe('p/a/00042/x');
      expect(await bucket.get('p/a/none')).toBeUndefined();
      expect(await bucket.putIfAbsent('p/a/00042/x', Buffer.from('other'))).toEqual({
        written: false,
      });
      expect((await bucket.putIfAbsent('p/b', Buffer.from('new'))).written).toBe(true);
      await bucket.delete('p/a/00042/x');
      expect(objects.has('p/a/00042/x')).toBe(false);
    } finally {
      await bucket.close();
      await store.stop();
    }
  });
});
