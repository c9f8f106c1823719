import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';

/** Licences that permit bundling; a person reviews anything else before adding it here. */
const allowed = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
]);
/** Of packages whose manifest states none, what their LICENSE says, as a person has read it. */
const stated = new Map([['wa-sqlite@1.0.0', 'MIT']]);
const noticeFile = /^(licen[cs]e|copying|notice)([.-].*)?$/i;

/** Records which files a bundle consists of, except those whose code was dropped. */
export function bundledModules() {
  const ids = new Set();
  return {
    ids,
    plugin: {
      name: 'bundled-modules',
      generateBundle(_options, bundle) {
        for (const chunk of Object.values(bundle)) {
          for (const [id, module] of Object.entries(chunk.modules ?? {})) {
            if (module.renderedLength > 0) ids.add(id);
          }
        }
      },
    },
  };
}

/** The packages these files belong to, in order of their names. */
export async function packagesOf(ids) {
  const marker = `${sep}node_modules${sep}`;
  const folders = new Set();
  for (const id of ids) {
    const file = id.replace(/^\0+/, '').replace(/\?.*$/, '');
    if (file.includes(marker)) folders.add(await packageFolder(file));
  }
  const packages = await Promise.all([...folders].map(readPackage));
  return packages.sort((left, right) => (idOf(left) < idOf(right) ? -1 : 1));
}

/** One text with the name, version, licence and notices of each. A licence that is not allowed fails the build. */
export function licenseText(packages) {
  const wrong = packages.filter(({ license }) => !isAllowed(license));
  if (wrong.length > 0) {
    const names = wrong.map((one) => `${idOf(one)} (${one.license})`).join(', ');
    throw new Error(`bundled, and of a licence that is not on the list: ${names}`);
  }
  const texts = new Map();
  for (const one of packages) {
    const text = one.notices.join('\n\n') || `Licensed under ${one.license}.`;
    texts.set(text, [...(texts.get(text) ?? []), one]);
  }
  const sections = [...texts].map(([text, users]) =>
    [...users.map((one) => `${idOf(one)} (${one.license})`), '', text].join('\n'),
  );
  return [
    'tracecraft is under the MIT licence (LICENSE). Its bundle holds code of the packages below.',
    ...sections,
  ].join(`\n\n${'-'.repeat(80)}\n\n`);
}

export function idOf({ name, version }) {
  return `${name}@${version}`;
}

function isAllowed(license) {
  const choices = license.replace(/[()]/g, '').split(' OR ');
  return choices.some((choice) => choice.split(' AND ').every((one) => allowed.has(one)));
}

/** The nearest package.json with a name and a version; some packages have others that only state the module type. */
async function packageFolder(file) {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const { name, version } = await readJson(join(folder, 'package.json'));
    if (name !== undefined && version !== undefined) return folder;
  }
  throw new Error(`bundled, and of no package: ${file}`);
}

async function readPackage(folder) {
  const { name, version, ...manifest } = await readJson(join(folder, 'package.json'));
  const license = manifest.license ?? stated.get(`${name}@${version}`) ?? 'unknown';
  const files = (await readdir(folder)).filter((file) => noticeFile.test(file)).sort();
  const notices = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  return { name, version, license, notices: notices.map(normal) };
}

function normal(text) {
  return text.replace(/\r\n?/g, '\n').trim();
}

async function readJson(path) {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return {};
  }
}
