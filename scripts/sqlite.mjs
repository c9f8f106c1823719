import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';

const packageName = '@photostructure/sqlite';
/** On Windows tracecraft runs in WSL. */
const platforms = ['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64'];
const loader = '\0sqlite-binary';

/**
 * Bundles the SQLite package and lets it load the binary that `copySqlite` puts next to the chunks. The package's own
 * loader, node-gyp-build, would search other folders too.
 */
export function withSqlite() {
  return {
    name: 'with-sqlite',
    resolveId: {
      filter: { id: /^node-gyp-build$/ },
      handler: (_id, importer) => (importer?.includes(packageName) ? loader : null),
    },
    load: {
      filter: { id: new RegExp(`^${loader}$`) },
      handler: () => `
        import { createRequire } from 'node:module';
        import { join } from 'node:path';
        export default () => {
          const name = join(__dirname, '..', 'sqlite', process.platform + '-' + process.arch);
          const require = createRequire(__filename);
          if (process.platform !== 'linux') return require(name + '.node');
          try {
            return require(name + '.glibc.node');
          } catch (error) {
            try {
              return require(name + '.musl.node');
            } catch {
              throw error;
            }
          }
        };`,
    },
    generateBundle(_options, bundle) {
      const users = Object.values(bundle).filter(({ moduleIds }) => moduleIds?.includes(loader));
      if (users.length !== 1 || !users[0].fileName.startsWith('chunks/')) {
        throw new Error('SQLite is not in one chunk, from which it finds its binary');
      }
    },
  };
}

/** The binaries, named by platform and architecture, on Linux also by C library. */
export async function copySqlite(root, folder) {
  const source = join(root, 'node_modules', packageName, 'prebuilds');
  const target = join(folder, 'sqlite');
  await mkdir(target);
  for (const platform of platforms) {
    const isLinux = platform.startsWith('linux');
    for (const libc of isLinux ? ['glibc', 'musl'] : ['glibc']) {
      const binary = `${packageName.replace('/', '+')}.${libc}.node`;
      const name = isLinux ? `${platform}.${libc}.node` : `${platform}.node`;
      await cp(join(source, platform, binary), join(target, name));
    }
  }
}
