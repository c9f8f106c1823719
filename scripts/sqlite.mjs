import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';

const binary = 'wa-sqlite.wasm';
const locator = /[\\/]watchers[\\/]sqlite[\\/]wasm[\\/]binary\.ts$/;

/** Lets the bundle find the WebAssembly file where `copySqlite` puts it. */
export function withSqlite() {
  return {
    name: 'with-sqlite',
    load: {
      filter: { id: locator },
      handler: () => `
        import { join } from 'node:path';
        export const binaryPath = () => join(__dirname, '..', 'sqlite', '${binary}');`,
    },
    generateBundle(_options, bundle) {
      const users = Object.values(bundle).filter(({ moduleIds }) =>
        moduleIds?.some((id) => locator.test(id)),
      );
      if (users.length !== 1 || !users[0].fileName.startsWith('chunks/')) {
        throw new Error('SQLite is not in one chunk, from which it finds its file');
      }
    },
  };
}

export async function copySqlite(root, folder) {
  const target = join(folder, 'sqlite');
  await mkdir(target);
  await cp(join(root, 'node_modules', 'wa-sqlite', 'dist', binary), join(target, binary));
}
