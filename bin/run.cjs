#!/usr/bin/env node
'use strict';

// Compiling the bundle is half of what a short command costs, so V8's code for it is cached. Node 22.1 and later do
// that themselves; on Node 20 we do it here. A cache that cannot be used or written is never an error.
const fs = require('node:fs');
const nodeModule = require('node:module');
const path = require('node:path');

const root = path.dirname(__dirname);
const dist = path.join(root, 'dist') + path.sep;
const entry = path.join(dist, 'cli.cjs');
const dayMs = 24 * 60 * 60 * 1000;

function start() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    process.stderr.write(
      `Error: tracecraft needs Node 20.19 or later, and this is ${process.version}\n`,
    );
    process.exitCode = 1;
    return;
  }
  if (!fs.existsSync(entry)) {
    process.stderr.write(
      `Error: not built: ${entry} is missing\nRun "npm run build" in ${root}.\n`,
    );
    process.exitCode = 1;
    return;
  }
  const load = chooseLoader(cacheFolder());
  load(entry).main(process.argv.slice(2), root, load).catch(fail);
}

/** For what is wrong before, or while, errors can be shown as they should be. */
function fail(error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(
    `Error: unexpected: ${JSON.stringify(message).slice(1, -1)}\nIs the installation complete? DEBUG=tracecraft* shows where it failed.\n`,
  );
  if (process.env.DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  process.exit(1);
}

function chooseLoader(folder) {
  if (folder === undefined) return require;
  if (nodeModule.enableCompileCache === undefined) return loaderWithCodeCache(folder);
  if (makePrivate(folder)) nodeModule.enableCompileCache(folder);
  return require;
}

function cacheFolder() {
  const base = process.env.XDG_CACHE_HOME;
  if (base && path.isAbsolute(base)) return path.join(base, 'tracecraft');
  const home = process.env.HOME || recordedHome();
  return home === undefined ? undefined : path.join(home, '.cache', 'tracecraft');
}

/** Undefined for a user that the system does not know, as in many containers. */
function recordedHome() {
  try {
    return require('node:os').homedir();
  } catch {
    return undefined;
  }
}

/** Whoever can write to the cache can run code as its reader. */
function isPrivate(folder) {
  try {
    const stat = fs.lstatSync(folder);
    const isOurs = process.getuid === undefined || stat.uid === process.getuid();
    return (
      stat.isDirectory() && isOurs && (process.platform === 'win32' || (stat.mode & 0o022) === 0)
    );
  } catch {
    return false;
  }
}

function makePrivate(folder) {
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch {
    return false;
  }
  return isPrivate(folder);
}

function loaderWithCodeCache(folder) {
  const vm = require('node:vm');
  const readable = isPrivate(folder);
  const loaded = new Map();
  const scripts = [];
  let complete = true;

  function load(file) {
    const known = loaded.get(file);
    if (known !== undefined) return known.exports;
    const module = { exports: {}, filename: file, id: file, loaded: false };
    loaded.set(file, module);
    try {
      const run = compile(file).runInThisContext();
      run.call(module.exports, module.exports, requireFrom(file), module, file, folderOf(file));
    } catch (error) {
      loaded.delete(file);
      throw error;
    }
    module.loaded = true;
    return module.exports;
  }

  function compile(file) {
    // Built files are ASCII, which is read faster this way.
    const code = fs.readFileSync(file, 'latin1');
    const cacheFile = `${folder}${path.sep}${cacheName(file, code)}`;
    const cachedData = readable ? readIfThere(cacheFile) : undefined;
    const script = new vm.Script(
      `(function (exports, require, module, __filename, __dirname) { ${code}\n})`,
      {
        filename: file,
        cachedData,
        importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
      },
    );
    if (cachedData === undefined || script.cachedDataRejected) complete = false;
    scripts.push({ cacheFile, script });
    return script;
  }

  function requireFrom(file) {
    const folderOfFile = folderOf(file);
    let native;
    const nativeRequire = () => {
      native ??= nodeModule.createRequire(file);
      return native;
    };
    const requireOne = (id) => {
      if (id.startsWith('node:')) return require(id);
      const built = id.startsWith('.') || path.isAbsolute(id) ? builtFile(folderOfFile, id) : '';
      return built === '' ? nativeRequire()(id) : load(built);
    };
    requireOne.resolve = (...request) => nativeRequire().resolve(...request);
    requireOne.cache = require.cache;
    requireOne.main = module;
    return requireOne;
  }

  // Written at exit, the cache also contains functions compiled on demand. If one file was missing, all are
  // rewritten: a command that runs for the first time needs functions of the shared chunks that others did not.
  process.once('exit', () => {
    if (complete || process.uptime() > 10 || !makePrivate(folder)) return;
    try {
      for (const { cacheFile, script } of scripts) {
        const temporary = `${cacheFile}.${process.pid}`;
        fs.writeFileSync(temporary, script.createCachedData(), { mode: 0o600 });
        fs.renameSync(temporary, cacheFile);
      }
      removeOld(folder);
    } catch {}
  });

  return load;
}

/**
 * The built file that `id` names; '' for anything else. Not by node:path, except where it must be: over fifty files that
 * would be so many calls that V8 optimises them, which costs a short command more than it gains.
 */
function builtFile(folder, id) {
  const [, up, rest] = relativeFile.exec(id) ?? [];
  let above = folder;
  for (let n = 0; n < (up?.length ?? 0); n += 3) above = folderOf(above);
  const file = rest === undefined ? path.resolve(folder, id) : `${above}${path.sep}${rest}`;
  return file.startsWith(dist) && file.endsWith('.cjs') ? file : '';
}

const relativeFile = /^(?:\.\/)?((?:\.\.\/)*)([\w/-]+\.cjs)$/;

function folderOf(file) {
  return file.slice(0, file.lastIndexOf(path.sep));
}

/** The last line of each built file is its hash. V8 itself would compare only the length. */
function cacheName(file, code) {
  const hash = code.slice(-17, -1);
  const mtime = Math.trunc(fs.statSync(file).mtimeMs);
  const name = file.slice(file.lastIndexOf(path.sep) + 1, -'.cjs'.length);
  return `${name}-${hash}-${mtime}-${process.version}-${process.arch}`;
}

function readIfThere(file) {
  try {
    return fs.readFileSync(file);
  } catch {
    return undefined;
  }
}

function removeOld(folder) {
  const oldestMs = Date.now() - 30 * dayMs;
  for (const name of fs.readdirSync(folder)) {
    const file = path.join(folder, name);
    const stat = fs.lstatSync(file);
    if (stat.isFile() && stat.mtimeMs < oldestMs) fs.unlinkSync(file);
  }
}

try {
  start();
} catch (error) {
  fail(error);
}
