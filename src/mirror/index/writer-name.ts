import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Io } from '../../io.js';
import { withoutLinks } from '../../links.js';

/** This machine's name among the index's writers, made once per destination. `undefined` if it cannot be kept. */
export async function indexWriterName(io: Io, folder: string): Promise<string | undefined> {
  const path = join(folder, 'index-writer');
  const state = withoutLinks(io, folder);
  try {
    const known = (await state.readFile(path))?.toString('utf8').trim() ?? '';
    if (/^[0-9a-f]{16}$/.test(known)) return known;
    const name = randomBytes(8).toString('hex');
    await state.replaceFile(path, `${name}\n`);
    return name;
  } catch {
    return undefined;
  }
}
