import { createHash } from 'node:crypto';
import { promises as promisesOfFs } from 'node:fs';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Plugin } from '@oclif/core/config';
import { rolldown } from 'rolldown';
import { writeSdk } from './declarations.mjs';
import { bundledModules, licenseText, packagesOf } from './licenses.mjs';
import { withLiteralTable } from './literal-table.mjs';
import { copySqlite, withSqlite } from './sqlite.mjs';
import { withViewer } from './viewer.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');
const fresh = join(root, `dist.new-${process.pid}`);
const licensesPath = join(root, 'THIRD-PARTY-LICENSES');
const manifestPath = join(root, 'oclif.manifest.json');

/** Users of the SDK see the names of its errors. */
const keptNames = { class: true, function: false };

// The old build stays in place until the new one is complete, for processes that are running it.
try {
  await bundle(fresh);
  await signChunks(fresh);
  await copySqlite(root, fresh);
  await writeSdk(root, fresh);
  await rm(dist, { recursive: true, force: true });
  await rename(fresh, dist);
} finally {
  await rm(fresh, { recursive: true, force: true });
}
await writeManifest();

/**
 * One CommonJS file per command (its path is the command), the entries of the command line and the SDK, and the
 * chunks they share or load on demand.
 */
async function bundle(folder) {
  const modules = bundledModules();
  const build = await rolldown({
    cwd: root,
    input: { cli: 'src/cli/main.ts', sdk: 'src/sdk/index.ts', ...(await commandEntries()) },
    platform: 'node',
    plugins: [
      commandsInCodeUnitOrder(),
      withoutAccountOfTheSystem(),
      withoutHelpInParser(),
      requireOnFirstUse(),
      promisesOfFsOnFirstUse(),
      cryptoOnFirstUse(),
      withViewer(root, modules),
      withSqlite(),
      withLiteralTable(root),
      modules.plugin,
    ],
    onLog: (level, log, report) => {
      // A warning that nobody reads is none: each is answered, or the build fails.
      if (log.code !== 'EVAL') report(level === 'warn' ? 'error' : level, log);
    },
  });
  await build.write({
    dir: folder,
    format: 'cjs',
    // A remaining import() warns about an experimental feature when Node 20's code cache is used.
    dynamicImportInCjs: false,
    exports: 'named',
    entryFileNames: '[name].cjs',
    chunkFileNames: 'chunks/[name]-[hash].cjs',
    minify: { mangle: { keepNames: keptNames }, compress: { keepNames: keptNames } },
    comments: { legal: false },
  });
  await build.close();
  const packages = await packagesOf(modules.ids);
  await writeFile(licensesPath, `${licenseText(packages)}\n`);
}

async function commandEntries() {
  const files = await readdir(join(root, 'commands'), { recursive: true });
  const entries = files
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.split(sep).join('/'))
    .map((file) => [`commands/${file.replace(/\.ts$/, '')}`, `commands/${file}`]);
  return Object.fromEntries(entries);
}

/**
 * oclif sorts its commands with localeCompare on every start, and first use of ICU's collator costs 10 ms. Command
 * ids are ASCII, so comparing code units gives the same order.
 */
function commandsInCodeUnitOrder() {
  const slow = '.sort((a, b) => a.id.localeCompare(b.id))';
  return {
    name: 'commands-in-code-unit-order',
    transform: {
      filter: { id: /@oclif\/core\/lib\/config\/plugin\.js$/ },
      handler(code) {
        if (!code.includes(slow))
          this.error('oclif no longer sorts its commands the way this plugin knows');
        return code.replace(slow, '.sort((a, b) => (a.id < b.id ? -1 : 1))');
      },
    },
  };
}

/**
 * oclif asks the system for the user's shell and home on every start. A user id that the system does not know, as in many
 * containers, would end every command there. Nothing of ours uses what it finds.
 */
function withoutAccountOfTheSystem() {
  const asked = [
    ['(0, node_os_1.userInfo)().shell?.split(node_path_1.default.sep)?.pop()', 'undefined'],
    [
      'return (0, node_os_1.homedir)();',
      'try { return (0, node_os_1.homedir)(); } catch { return "/"; }',
    ],
  ];
  return {
    name: 'without-account-of-the-system',
    transform: {
      filter: { id: /@oclif\/core\/lib\/util\/os\.js$/ },
      handler(code) {
        return asked.reduce((text, [question, answer]) => {
          if (!text.includes(question)) this.error(`oclif no longer asks: ${question}`);
          return text.replace(question, answer);
        }, code);
      },
    },
  };
}

/**
 * oclif's flags, parser and errors name its help for exports that nothing of ours uses. Without them, what every command
 * loads is a third of the size.
 */
function withoutHelpInParser() {
  const named = [
    ['flags.js', 'require("./help")'],
    ['parser/index.js', 'require("./help")'],
    ['errors/handle.js', 'require("../help/index")'],
  ];
  return {
    name: 'without-help-in-parser',
    transform: {
      filter: { id: /@oclif\/core\/lib\/(?:flags|parser\/index|errors\/handle)\.js$/ },
      handler(code, id) {
        const [, asked] = named.find(([file]) => id.replaceAll('\\', '/').endsWith(`/lib/${file}`));
        if (!code.includes(asked)) this.error(`oclif no longer asks: ${asked}`);
        return code.replace(asked, '({})');
      },
    },
  };
}

/**
 * oclif requires everything at the top of each file: globbing, templates, help, spinners. A command that runs from
 * the manifest uses little of it, so each import moves to where it is used.
 */
function requireOnFirstUse() {
  const topLevel = /^(?:const|var) (\w+_\d+) = ((?:__importDefault\()?require\("[^"]+"\)\)?);$/gm;
  return {
    name: 'require-on-first-use',
    transform: {
      filter: { id: /@oclif\/core\/lib\/.*\.js$/ },
      handler(code) {
        let lazy = code;
        for (const [declaration, name, value] of code.matchAll(topLevel)) {
          lazy = lazy
            .replace(declaration, '')
            .replaceAll(new RegExp(`\\b${name}\\b`, 'g'), () => `(${value})`);
        }
        return lazy;
      },
    },
  };
}

/**
 * Node's `fs/promises` brings fourteen more of Node's modules, readline among them, and most commands only name it for what they
 * do not do. So its functions are found when they are called.
 */
function promisesOfFsOnFirstUse() {
  const id = '\0promises-of-fs';
  const names = Object.keys(promisesOfFs).filter(
    (name) => typeof promisesOfFs[name] === 'function',
  );
  const constants = "export { constants } from 'node:fs';";
  const functions = names.map(
    (name) => `export const ${name} = (...args) => fs.promises.${name}(...args);`,
  );
  return {
    name: 'promises-of-fs-on-first-use',
    resolveId: {
      filter: { id: /^(?:node:)?fs\/promises$/ },
      handler: (_source, importer = '') => (importer.includes('node_modules') ? undefined : id),
    },
    load: {
      filter: { id: /^\0promises-of-fs$/ },
      handler: () => ["import * as fs from 'node:fs';", constants, ...functions].join('\n'),
    },
  };
}

/**
 * Nor does every command compute a digest that needs Node's `crypto`, which brings a dozen more. All names that ours import are
 * functions.
 */
function cryptoOnFirstUse() {
  const id = '\0crypto-on-first-use';
  const functions = ['createHash', 'createHmac', 'randomBytes'].map(
    (name) =>
      `export const ${name} = (...args) => process.getBuiltinModule('node:crypto').${name}(...args);`,
  );
  return {
    name: 'crypto-on-first-use',
    resolveId: {
      filter: { id: /^(?:node:)?crypto$/ },
      handler: (_source, importer = '') => (importer.includes('node_modules') ? undefined : id),
    },
    load: {
      filter: { id: /^\0crypto-on-first-use$/ },
      handler: () => functions.join('\n'),
    },
  };
}

/**
 * Each file ends with its own hash, so `bin/run.cjs` knows without hashing whether its code cache matches. Only ASCII
 * remains: one character beyond it costs Node milliseconds in every start, because V8 then keeps two bytes for each.
 */
async function signChunks(folder) {
  for (const file of await readdir(folder, { recursive: true })) {
    if (!file.endsWith('.cjs')) continue;
    const path = join(folder, file);
    const code = inAscii((await readFile(path, 'utf8')).trimEnd());
    const hash = createHash('sha256').update(code).digest('hex').slice(0, 16);
    await writeFile(path, `${code}\n//${hash}\n`);
  }
}

/** What is not ASCII is in strings and expressions, where an escape means the same, except in raw templates. */
function inAscii(code) {
  const raw = code.match(/String\.raw`(?:[^`\\]|\\.)*`/g) ?? [];
  const beyond = raw.find((template) => /[^\0-\x7f]/.test(template));
  if (beyond !== undefined) throw new Error(`a raw template that is not ASCII: ${beyond}`);
  const escaped = /(?<!\\)(?:\\\\)*\\[^\0-\x7f]/.exec(code);
  if (escaped !== null) throw new Error(`a backslash before what is not ASCII: ${escaped[0]}`);
  return code.replace(
    /[^\0-\x7f]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** With a manifest, oclif imports only the command that runs. */
async function writeManifest() {
  process.env.NODE_ENV = 'production';
  const plugin = new Plugin({
    root,
    isRoot: true,
    ignoreManifest: true,
    errorOnManifestCreate: true,
    respectNoCacheDefault: true,
  });
  await plugin.load();
  await writeFile(fresh, `${JSON.stringify(plugin.manifest)}\n`);
  await rename(fresh, manifestPath);
  const count = Object.keys(plugin.manifest.commands).length;
  process.stdout.write(`${count} commands in ${relative(process.cwd(), dist) || '.'}\n`);
}
