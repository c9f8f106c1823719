import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { destinationFolder, readProven, recordProven } from '../../src/config/destination.js';
import { nodeIo } from '../../src/io.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';

describe('what this machine remembers of a destination', () => {
  it('is separate for each bucket and project', () => {
    const places = [
      destinationFolder('/home', 's3://a', 'shop'),
      destinationFolder('/home', 's3://b', 'shop'),
      destinationFolder('/home', 's3://a', 'house'),
    ];
    expect(new Set(places).size).toBe(3);
    for (const place of places) expect(place).toMatch(/^\/home\/state\/[0-9a-f]{12}$/);
  });

  it('includes what was proven, and nothing from a damaged record', async () => {
    const { path, remove } = await createTemporaryFolder();
    expect(await readProven(nodeIo, path)).toBeUndefined();
    await recordProven(nodeIo, path, { putIfAbsent: true, putIfMatch: false });
    expect(await readProven(nodeIo, path)).toEqual({ putIfAbsent: true, putIfMatch: false });
    const [name = ''] = await readdir(path);
    const text = await readFile(join(path, name), 'utf8');
    for (const damaged of [text.slice(0, 10), '{"putIfAbsent": "yes"}', '[]', '']) {
      await writeFile(join(path, name), damaged);
      expect(await readProven(nodeIo, path)).toBeUndefined();
    }
    await remove();
  });
});
