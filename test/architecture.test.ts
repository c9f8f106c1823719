import { describe, expect, it } from 'vitest';
import { repositoryRoot } from './support/run-cli.js';
import { type Import, parseSource, readSources, type SourceFile } from './support/source-graph.js';

const sources = readSources(repositoryRoot, ['src', 'commands', 'watchers']);

interface Arrow {
  readonly from: string;
  /** Beginnings of paths that may be imported besides the folder itself. */
  readonly may: readonly string[];
  /** The same, for types only. */
  readonly mayType?: readonly string[];
}

const basics = ['src/errors.ts', 'src/clock.ts', 'src/io.ts', 'src/links.ts', 'src/v8-heap.ts'];

/** The import arrows of the architecture: a folder that is not here has none, and needs a line. */
const arrows: readonly Arrow[] = [
  { from: 'src/errors.ts', may: [] },
  { from: 'src/clock.ts', may: [] },
  { from: 'src/io.ts', may: [] },
  { from: 'src/links.ts', may: ['src/errors.ts', 'src/io.ts'] },
  { from: 'src/v8-heap.ts', may: [] },
  { from: 'src/protocol/', may: ['src/errors.ts'] },
  { from: 'src/redact/', may: ['src/errors.ts'] },
  { from: 'src/bucket/', may: basics, mayType: ['src/config/'] },
  { from: 'src/config/', may: [...basics, 'src/protocol/'], mayType: ['src/bucket/'] },
  { from: 'src/coordination/', may: [...basics, 'src/bucket/', 'src/protocol/'] },
  { from: 'src/mirror/', may: [...basics, 'src/bucket/', 'src/protocol/', 'src/redact/'] },
  {
    from: 'src/replay/',
    may: [
      ...basics,
      'src/bucket/',
      'src/protocol/',
      'src/concurrency.ts',
      'src/mirror/slots/listing.ts',
      'src/mirror/slots/reader.ts',
      'src/mirror/lines.ts',
      'src/escape-terminal.ts',
    ],
  },
  { from: 'src/trace/', may: ['src/replay/conversation/row.ts'] },
  {
    from: 'src/compact/',
    may: [
      ...basics,
      'src/bucket/',
      'src/protocol/',
      'src/redact/',
      'src/trace/',
      'src/mirror/lines.ts',
      'src/mirror/slots/listing.ts',
      'src/mirror/slots/reader.ts',
    ],
  },
  { from: 'src/demo/', may: [...basics, 'src/bucket/', 'src/protocol/', 'src/coordination/'] },
  { from: 'src/setup/', may: [...basics, 'src/protocol/'] },
  { from: 'src/service/', may: [...basics, 'src/config/'] },
  {
    from: 'src/doctor/',
    may: [...basics, 'src/bucket/', 'src/config/', 'src/mirror/', 'src/protocol/'],
  },
  {
    from: 'src/init/',
    may: [...basics, 'src/config/', 'src/bucket/', 'src/protocol/', 'src/coordination/'],
  },
  { from: 'src/cli/', may: ['src/'] },
  { from: 'src/sdk/', may: ['src/', 'watchers/'] },
  { from: 'watchers/', may: ['src/mirror/stream.ts', ...basics] },
  { from: 'commands/', may: ['src/', 'watchers/'] },
];

/** Packages that cost a start-up more than its own work, or that only some machines have. */
const lazyPackages =
  /^@aws-sdk\/(?!xml-builder$)|^(@smithy|@aws-crypto|@huggingface)\/|^(chokidar|cli-progress|@photostructure\/sqlite)$/;
const storePackages = /^(@aws-sdk|@smithy|@aws-crypto|@huggingface)\//;
const backends = ['local', 's3', 'hugging-face'];

function arrowOf(path: string): Arrow | undefined {
  return arrows.find(({ from }) => path === from || (from.endsWith('/') && path.startsWith(from)));
}

function isAllowed(one: Import): boolean {
  const arrow = arrowOf(one.from);
  if (arrow === undefined) return false;
  if (one.from.startsWith('commands/') && one.to.startsWith('commands/')) return false;
  if (arrow.from.endsWith('/') && one.to.startsWith(arrow.from)) return true;
  const ends = one.isType ? [...arrow.may, ...(arrow.mayType ?? [])] : arrow.may;
  return ends.some((end) => one.to === end || (end.endsWith('/') && one.to.startsWith(end)));
}

function backendOf(path: string): string | undefined {
  const name = /^src\/bucket\/([a-z0-9-]+)/.exec(path)?.[1] ?? '';
  return backends.find((backend) => name === backend || name.startsWith(`${backend}-`));
}

function broken(check: (one: Import, source: SourceFile) => boolean): string[] {
  return sources.flatMap((source) =>
    source.imports
      .filter((one) => check(one, source))
      .map(({ from, to, isType }) => `${from} imports ${isType ? 'the types of ' : ''}${to}`),
  );
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
  it('go along the arrows', () => {
    expect(broken((one) => one.isOurs && !isAllowed(one))).toEqual([]);
  });

  it('start in folders that have a rule', () => {
    expect(sources.map(({ path }) => path).filter((path) => arrowOf(path) === undefined)).toEqual(
      [],
    );
  });

  it('name files that exist', () => {
    const paths = new Set(sources.map(({ path }) => path));
    expect(broken((one) => one.isOurs && !paths.has(one.to))).toEqual([]);
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

  it('of what opens a bucket are where trust was asked for', () => {
    const opens = /^src\/bucket\/(open|local|s3|hugging-face)\.ts$/;
    const openers = sources.flatMap(({ path, imports }) =>
      path.startsWith('src/bucket/') || !imports.some((one) => opens.test(one.to) && !one.isType)
        ? []
        : [path],
    );
    // A new one takes its target from `openableTarget`, as all but `init` do, which opens what was typed.
    expect(openers).toEqual([
      'src/app/proven-bucket.ts',
      'src/doctor/store.ts',
      'src/init/apply.ts',
      'src/sdk/open.ts',
    ]);
  });

  it('of heavy packages wait until they are needed', () => {
    expect(broken((one) => lazyPackages.test(one.to) && !one.isType && !one.isDynamic)).toEqual([]);
  });

  it('make no circle', () => {
    expect(findCycle()).toBeUndefined();
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

  it('have kebab-case names from the field, and fit a reader', () => {
    const wrong = sources.filter(
      ({ path, lines }) =>
        !/^([a-z0-9-]+\/)+[a-z0-9-]+\.ts$/.test(path) ||
        /(util|helper|manager)s?[./]/.test(path) ||
        lines > 400,
    );
    expect(wrong.map(({ path, lines }) => `${path} (${lines} lines)`)).toEqual([]);
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
  });
});
