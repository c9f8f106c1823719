import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What package.json in the folder `root` says: the name and version of this program. */
export function readPackage(root: string): { readonly name: string; readonly version: string } {
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return { name, version };
}
