import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { harnesses } from '../watchers/names.js';
import { repositoryRoot } from './support/run-cli.js';
import { type Import, parseSource, readSources, type SourceFile } from './support/source-graph.js';

const sources = readSources(repositoryRoot, ['src', 'commands', 'watchers']);

/**
 * The floors of the architecture, lowest first. A file may import its own room and any floor below; rooms of one floor know
 * nothing of each other. A room that is not here has no floor, and needs a line.
 */
const floors: readonly (readonly string[])[] = [
  [
    'src/errors.ts',
    'src/clock.ts',
    'src/io.ts',
    'src/links.ts',
    'src/concurrency.ts',
    'src/process-identity.ts',
    'src/v8-heap.ts',
    'src/sha256.ts',
    'src/escape-terminal.ts',
    'src/system-user.ts',
  ],
  ['src/bucket/', 'src/redact/', 'src/protocol/'],
  ['src/mirror/', 'src/coordination/', 'src/conversation/', 'src/config/'],
  ['watchers/'],
  [
    'src/doctor/',
    'src/service/',
    'src/setup/',
    'src/init/',
    'src/demo/',
    'src/replay/',
    'src/search/',
    'src/sessions/',
    'src/restore/',
    'src/brief/',
    'src/compact/',
    'src/usage/',
    'src/export/',
  ],
  ['src/app/'],
  ['src/cli/', 'src/sdk/'],
  ['commands/'],
];

/** Rooms of one floor of which one may know the other: the arrow goes from left to right. */
const sideways: readonly (readonly [string, string])[] = [
  ['src/links.ts', 'src/errors.ts'],
  ['src/links.ts', 'src/io.ts'],
  ['src/system-user.ts', 'src/errors.ts'],
  ['src/bucket/', 'src/protocol/'],
  ['src/redact/', 'src/protocol/'],
];

/** Folders inside a big room, top first: an arrow goes down only. Files of the room itself are below all of them. */
const insideRooms: readonly (readonly string[])[] = [
  ['src/mirror/watch/', 'src/mirror/meta/', 'src/mirror/slots/', 'src/mirror/state/'],
];

/** Packages that cost a start-up more than its own work, or that only some machines have. */
const lazyPackages =
  /^@aws-sdk\/(?!xml-builder$)|^(@smithy|@aws-crypto|@huggingface)\/|^(chokidar|cli-progress)$/;
/** Where a harness may be named: its folder, the registries, sample data, where a key's shape is documented; and letters in the order of their frequency. */
const mayNameHarness =
  /^watchers\/([a-z-]+\/|(names|registry|readers|usage)\.ts$)|^src\/demo\/|^src\/redact\/(text-frequency\.ts$|rules\/)/;
/** Its name or title as a word of its own, or one of its variables. */
const harnessWords = harnesses.flatMap(({ name, title, sessionVariables, folderVariables }) => [
  ...[name, title].map((one) => one.replace(/[- ]/g, '[-_ ]?')),
  ...sessionVariables,
  ...folderVariables,
]);
const harnessWord = new RegExp(`(?<![a-z0-9])(?:${harnessWords.join('|')})(?![a-z0-9])`, 'i');
// `Math.PI` is none.
const namesHarness = (word: string): boolean => word !== 'PI' && harnessWord.test(word);
const storePackages = /^(@aws-sdk|@smithy|@aws-crypto|@huggingface)\//;
const backends = ['local', 's3', 'hugging-face'];

interface Room {
  readonly name: string;
  readonly floor: number;
}

function contains(room: string, path: string): boolean {
  return path === room || (room.endsWith('/') && path.startsWith(room));
}

function roomOf(path: string): Room | undefined {
  for (const [floor, rooms] of floors.entries()) {
    const name = rooms.find((room) => contains(room, path));
    if (name !== undefined) return { name, floor };
  }
  return undefined;
}

function goesDown({ from, to }: Import): boolean {
  const [own, other] = [roomOf(from), roomOf(to)];
  if (own === undefined || other === undefined) return false;
  if (from.startsWith('commands/') && to.startsWith('commands/')) return false;
  if (own.name === other.name || own.floor > other.floor) return true;
  return sideways.some(([left, right]) => left === own.name && right === other.name);
}

function goesUpInside({ from, to }: Import): boolean {
  return insideRooms.some((folders) => {
    const [own, other] = [from, to].map((path) => folders.findIndex((one) => contains(one, path)));
    const isInRoom = folders.some((one) => contains(one, to)) && other !== undefined;
    return (
      isInRoom &&
      own !== undefined &&
      contains(roomOf(to)?.name ?? '', from) &&
      (own === -1 || own > other)
    );
  });
}

function backendOf(path: string): string | undefined {
  return backends.find((backend) => path.startsWith(`src/bucket/${backend}/`));
}

/** Below `watchers`, each harness is a folder; these are what they share. */
const sharedFolders = ['files', 'pi-format', 'sqlite'];

function harnessOf(path: string): string | undefined {
  const folder = /^watchers\/([a-z0-9-]+)\//.exec(path)?.[1];
  return folder === undefined || sharedFolders.includes(folder) ? undefined : folder;
}

function broken(check: (one: Import, source: SourceFile) => boolean): string[] {
  return sources.flatMap((source) =>
    source.imports
      .filter((one) => check(one, source))
      .map(({ from, to, isType }) => `${from} imports ${isType ? 'the types of ' : ''}${to}`),
  );
}

/** A module and everything that it imports, types aside: paths of ours, and packages by name. */
function reachedFrom(start: string): ReadonlySet<string> {
  const imports = new Map(sources.map((source) => [source.path, source.imports]));
  const reached = new Set([start]);
  for (const path of reached) {
    for (const one of imports.get(path) ?? []) if (!one.isType) reached.add(one.to);
  }
  return reached;
}

/** Folds over imports of values that run at once: a cycle of those may meet a module that is not there yet. */
function findCycle(): string[] | undefined {
  const edges = new Map(
    sources.map((source) => [
      source.path,
      source.imports.filter((one) => one.isOurs && !one.isType && !one.isDynamic),
    ]),
  );
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): string[] | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (done.has(path)) return undefined;
    for (const { to } of edges.get(path) ?? []) {
      const cycle = walk(to, [...trail, path]);
      if (cycle !== undefined) return cycle;
    }
    done.add(path);
    return undefined;
  };
  for (const path of edges.keys()) {
    const cycle = walk(path, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

describe('imports', () => {
  it('go down, floor by floor', () => {
    expect(broken((one) => one.isOurs && !goesDown(one))).toEqual([]);
  });

  it('start in rooms that have a floor', () => {
    expect(sources.map(({ path }) => path).filter((path) => roomOf(path) === undefined)).toEqual(
      [],
    );
  });

  it('name files that exist', () => {
    const paths = new Set(sources.map(({ path }) => path));
    const exists = (path: string): boolean =>
      paths.has(path) || (path.endsWith('.json') && existsSync(join(repositoryRoot, path)));
    expect(broken((one) => one.isOurs && !exists(one.to))).toEqual([]);
  });

  it('go down inside the big rooms', () => {
    expect(broken((one) => one.isOurs && goesUpInside(one))).toEqual([]);
  });

  it('of one harness never name another', () => {
    expect(
      broken(({ from, to }) => {
        const [own, other] = [harnessOf(from), harnessOf(to)];
        return other !== undefined && own !== other && !/^watchers\/[a-z]+\.ts$/.test(from);
      }),
    ).toEqual([]);
  });

  it('of one backend never name another', () => {
    expect(
      broken(({ from, to }) => {
        const [own, other] = [backendOf(from), backendOf(to)];
        return own !== undefined && other !== undefined && own !== other;
      }),
    ).toEqual([]);
  });

  it('of packages for a store are in src/bucket alone', () => {
    expect(
      broken(({ from, to }) => storePackages.test(to) && !from.startsWith('src/bucket/')),
    ).toEqual([]);
  });

  it('of heavy packages wait until they are needed', () => {
    expect(broken((one) => lazyPackages.test(one.to) && !one.isType && !one.isDynamic)).toEqual([]);
  });

  it('of readers of conversations stay within what a browser has', () => {
    const reached = reachedFrom('watchers/readers.ts');
    expect(reached).toContain('watchers/codex/conversation.ts');
    const others = [...reached].filter((path) => !/^(src|watchers)\//.test(path));
    expect(others).toEqual(['valibot']);
  });

  it('make no circle', () => {
    expect(findCycle()).toBeUndefined();
  });
});

describe('harnesses', () => {
  it('are known by name in their folders and the registries alone', () => {
    const wrong = sources
      .filter(({ path }) => !mayNameHarness.test(path))
      .flatMap(({ path, words }) => words.filter(namesHarness).map((word) => `${path}: ${word}`));
    expect(wrong).toEqual([]);
  });
});

describe('files', () => {
  it('export by name, but for commands', () => {
    const wrong = sources.filter(
      ({ path, hasDefaultExport }) => hasDefaultExport !== path.startsWith('commands/'),
    );
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  it('write to stdout in src/cli and commands alone', () => {
    const wrong = sources.filter(
      ({ path, writesTo }) =>
        writesTo.length > 0 && !path.startsWith('src/cli/') && !path.startsWith('commands/'),
    );
    expect(wrong.map(({ path, writesTo }) => `${path}: ${writesTo.join(', ')}`)).toEqual([]);
  });

  it('do not talk a type into another by way of unknown', () => {
    expect(sources.filter((source) => source.hasDoubleCast).map(({ path }) => path)).toEqual([]);
  });

  it('have no function of more than 50 lines', () => {
    const wrong = sources.filter(({ longest }) => longest.lines > 50);
    expect(wrong.map(({ path, longest }) => `${path}:${longest.line} (${longest.lines})`)).toEqual(
      [],
    );
  });

  it('have kebab-case names from the field, and fit a reader', () => {
    const wrong = sources.filter(
      ({ path, lines }) =>
        !/^([a-z0-9-]+\/)+[a-z0-9-]+(\.d)?\.ts$/.test(path) ||
        /(util|helper|manager)s?[./]/.test(path) ||
        lines > 400,
    );
    expect(wrong.map(({ path, lines }) => `${path} (${lines} lines)`)).toEqual([]);
  });
});

describe('the pages for contributors', () => {
  it.each(['docs/architecture.md', 'CONTRIBUTING.md'])('%s names files that exist', (page) => {
    const text = readFileSync(join(repositoryRoot, page), 'utf8');
    const named = [...text.matchAll(/`((?:bin|commands|scripts|src|test|watchers)\/[\w./-]+)`/g)];
    const paths = named.map(([, path = '']) => path);
    expect(paths.length).toBeGreaterThan(5);
    expect(paths.filter((path) => !existsSync(join(repositoryRoot, path)))).toEqual([]);
  });
});

describe('the scanner itself', () => {
  const code = `
    import a, { type B } from './b.js';
    import type { C } from '../c.js';
    import { type D, type E } from './d.js';
    import 'side-effect';
    export { f } from './f.js';
    export * from './g.js';
    // import no from './comment.js';
    const text = "import no from './text.js'";
    const lazy = async () => (await import('@aws-sdk/client-s3')).S3;
    const type = (x: import('./h.js').H) => x as unknown as string;
    process.stdout.write(text); console.log(a, lazy, type);
    export default text;
  `;

  it('sees every import, and what it is', () => {
    const source = parseSource('src/x/a.ts', code);
    const seen = source.imports.map(
      ({ to, isType, isDynamic }) => `${to}${isType ? ' type' : ''}${isDynamic ? ' dynamic' : ''}`,
    );
    expect(seen.sort()).toEqual([
      '@aws-sdk/client-s3 dynamic',
      'side-effect',
      'src/c.ts type',
      'src/x/b.ts',
      'src/x/d.ts type',
      'src/x/f.ts',
      'src/x/g.ts',
      'src/x/h.ts type',
    ]);
    expect(source).toMatchObject({
      hasDefaultExport: true,
      hasDoubleCast: true,
      writesTo: ['process.stdout', 'console'],
    });
    expect(source.longest).toEqual({ line: 10, lines: 1 });
    expect(source.words).toContain("import no from './text.js'");
    expect(source.words.join()).not.toContain('comment');
  });
});
