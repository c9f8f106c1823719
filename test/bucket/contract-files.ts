import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NotFoundError, UsageError } from '../../src/errors.js';
import { type ContractContext, text } from './contract-context.js';

const bigFileBytes = 20 * 1024 * 1024 + 7;

export function describeFiles(context: ContractContext, keepsEmpty: boolean): void {
  describe('files', () => {
    const path = (name: string): string => join(context.folder, name);

    it('of any size are uploaded and downloaded, with progress', async () => {
      const key = `${context.fresh()}big.bin`;
      const content = randomBytes(bigFileBytes);
      await writeFile(path('big'), content);
      const sent: number[] = [];
      const { etag } = await context.bucket.putFile(key, path('big'), {
        onProgress: (bytes) => sent.push(bytes),
      });
      expect(sent.at(-1)).toBe(bigFileBytes);
      expect(sent).toEqual([...sent].sort((left, right) => left - right));
      const got: number[] = [];
      await writeFile(path('copy'), 'what was there before');
      await context.bucket.getFile(key, path('copy'), {
        onProgress: (bytes) => got.push(bytes),
      });
      expect((await readFile(path('copy'))).equals(content)).toBe(true);
      expect(got.at(-1)).toBe(bigFileBytes);
      const tail = { start: bigFileBytes - 3, end: bigFileBytes };
      expect(await context.bucket.get(key, { range: tail })).toMatchObject({
        body: content.subarray(-3),
        size: bigFileBytes,
        etag,
      });
    }, 60_000);

    it('may be empty or small', async () => {
      const prefix = context.fresh();
      for (const content of keepsEmpty ? ['', 'small'] : ['small']) {
        await writeFile(path('source'), content);
        await context.bucket.putFile(`${prefix}file`, path('source'));
        await context.bucket.getFile(`${prefix}file`, path('target'));
        expect(await readFile(path('target'), 'utf8')).toBe(content);
      }
    });

    it('are aborted when the caller stops, and leave nothing behind', async () => {
      const prefix = context.fresh();
      const stopOnProgress = () => {
        const stop = new AbortController();
        return { signal: stop.signal, onProgress: () => stop.abort() };
      };
      await writeFile(path('big'), randomBytes(bigFileBytes));
      const sending = context.bucket.putFile(`${prefix}new`, path('big'), stopOnProgress());
      await expect(sending).rejects.toThrow('stopped');
      expect(await context.list(prefix)).toEqual([]);

      await context.bucket.putFile(`${prefix}big`, path('big'));
      await writeFile(path('kept'), 'kept');
      const before = await readdir(context.folder);
      const getting = context.bucket.getFile(`${prefix}big`, path('kept'), stopOnProgress());
      await expect(getting).rejects.toThrow('stopped');
      expect(await readFile(path('kept'), 'utf8')).toBe('kept');
      expect(await readdir(context.folder)).toEqual(before);
    }, 60_000);

    it('that are missing are reported, and nothing is touched', async () => {
      const prefix = context.fresh();
      await writeFile(path('kept'), 'kept');
      await expect(context.bucket.getFile(`${prefix}none`, path('kept'))).rejects.toThrow(
        NotFoundError,
      );
      expect(await readFile(path('kept'), 'utf8')).toBe('kept');
      await expect(context.bucket.putFile(`${prefix}x`, path('nowhere'))).rejects.toThrow(
        NotFoundError,
      );
      await expect(context.bucket.putFile(`${prefix}x`, context.folder)).rejects.toThrow(
        UsageError,
      );
      expect(await context.list(prefix)).toEqual([]);
    });

    it('leave no parts behind if they cannot be written', async () => {
      const key = `${context.fresh()}file`;
      await context.bucket.put(key, text('x'));
      const target = path('no/such/folder/file');
      await expect(context.bucket.getFile(key, target)).rejects.toThrow(NotFoundError);
      await expect(context.bucket.getFile(key, context.folder)).rejects.toThrow(UsageError);
    });
  });
}
