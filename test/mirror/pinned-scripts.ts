import { pendingPutFile, pendingPutInMemory } from '../../src/mirror/state/pending-put.js';
import { unarbitrated } from '../support/unarbitrated.js';
import type { Event, Script, Setting } from './mirror-script.js';
import type { Mutation } from './mutants.js';

/** A script that a certain mistake does not survive; the protocol as it is does. */
export interface Pinned {
  readonly mistake: string;
  readonly script: Script;
  /** Where the script is played without the mistake. */
  readonly right: Setting;
  /** The mistake, made by what is around the writer… */
  readonly wrong?: Setting;
  /** …or written into it. */
  readonly mutations?: readonly Mutation[];
  /** Sources that only grow: the very bytes are asked for. */
  readonly isAppendOnly: boolean;
}

const append = (lines: number): Event => ({ do: 'append', lines });
const step = (writer: number, steps: number): Event => ({ do: 'step', writer, steps });
const ranges: Setting = { bucket: unarbitrated, pendingPut: pendingPutFile };

function script(writers: number, goesOn: boolean, events: readonly Event[]): Script {
  return { events, writers, listsDigests: false, goesOn };
}

/** Lines enough that the first are far from where reading goes on, each of them shipped. */
const farBehind: readonly Event[] = [append(1_200), ...Array<Event>(200).fill(step(0, 500))];

const writerFile = 'src/mirror/slots/stream-mirror.ts';

/** Mistakes inside the writer, which no setting can make. */
const inSource: readonly Pinned[] = [
  {
    mistake: 'lines are the same when they are as long',
    right: {},
    mutations: [
      {
        file: 'src/mirror/slots/reconcile.ts',
        from: 'fingerprint(lines) === known.fingerprint',
        to: 'chunk.sourceBytes === known.sourceBytes',
      },
    ],
    isAppendOnly: false,
    script: script(1, false, [
      append(1),
      step(0, 7),
      { do: 'edit', at: 0 },
      step(0, 1),
      append(1),
      { do: 'fate', fate: 'lost' },
      step(0, 1),
      { do: 'truncate', keep: 5 },
      step(0, 1),
      step(0, 1),
    ]),
  },
  {
    mistake: 'what was shipped is remembered as the file is, not as it was',
    right: {},
    mutations: [
      {
        file: writerFile,
        from: 'const maxAttempts = 8;',
        to: `import { fingerprint } from '../lines.js';
import { startPosition } from '../stream.js';
const maxAttempts = 8;
async function asItIs(source: Stream, checkpoint: Checkpoint): Promise<Checkpoint> {
  if (source.kind !== 'lines') return checkpoint;
  let position = startPosition;
  const parts: ShippedPart[] = [];
  for (const part of checkpoint.parts) {
    const chunk = await source.read(position, { lines: part.endLine - part.startLine, bytes: Infinity });
    if (typeof chunk === 'string') return checkpoint;
    parts.push({ ...part, fingerprint: fingerprint(chunk.lines.filter((line) => Buffer.isBuffer(line))) });
    position = chunk.next;
  }
  return { ...checkpoint, parts };
}`,
      },
      {
        file: writerFile,
        from: '    await this.#tools.context.stateFile.save(',
        to: '    this.#checkpoint = await asItIs(this.#source, this.#checkpoint);\n    await this.#tools.context.stateFile.save(',
      },
    ],
    isAppendOnly: false,
    script: script(1, false, [
      { do: 'rewrite', lines: 5 },
      step(0, 1),
      step(0, 5),
      { do: 'truncate', keep: 0 },
      append(5),
      step(0, 5),
      step(0, 2),
      append(1),
      { do: 'audit', writer: 0 },
      { do: 'crash', writer: 0 },
      step(0, 1),
    ]),
  },
  {
    mistake: 'a source that moved while it was compared counts as the one that was compared',
    right: { neverAudits: true },
    mutations: [
      {
        file: writerFile,
        from: "if (found === 'moved') return this.#verify();",
        to: '',
      },
      {
        file: writerFile,
        from: "if (found === 'behind') {",
        to: "if (found === 'moved' || found === 'behind') {",
      },
      {
        file: writerFile,
        from: 'this.#waitingAt = before?.token;',
        to: 'this.#waitingAt = (await this.#source.changed(undefined))?.token;',
      },
    ],
    isAppendOnly: false,
    script: script(1, true, [
      append(3),
      step(0, 200),
      append(3),
      { do: 'fate', fate: 'delayed' },
      step(0, 200),
      { do: 'deliver' },
      { do: 'truncate', keep: 7 },
      step(0, 10),
      { do: 'rewrite', lines: 8 },
      step(0, 200),
    ]),
  },
];

/** Some may hit what is redacted, or a newline. */
const edits: readonly Event[] = [1, 2, 3].map((at) => ({ do: 'edit', at }));

export const pinned: readonly Pinned[] = [
  {
    mistake: 'the store takes If-None-Match and ignores it, and slots are used all the same',
    right: {},
    wrong: { ignoresConditions: true },
    isAppendOnly: true,
    script: script(2, true, [
      step(1, 2),
      append(1),
      step(0, 1),
      step(1, 1),
      step(0, 4),
      append(1),
      append(1),
    ]),
  },
  {
    mistake: 'a slot that was filled before is taken for filled by us, unread',
    right: {},
    wrong: {
      bucket: (real) => ({
        ...real,
        putIfAbsent: async (key, body, options) => {
          await real.putIfAbsent(key, body, options);
          return { written: true, etag: '"any"' };
        },
      }),
    },
    isAppendOnly: true,
    script: script(1, true, [
      append(1),
      { do: 'fate', fate: 'delayed' },
      step(0, 8),
      { do: 'deliver' },
      append(1),
      append(1),
      append(1),
    ]),
  },
  {
    mistake: 'a range is put without being kept first',
    right: ranges,
    wrong: { bucket: unarbitrated, pendingPut: () => pendingPutInMemory() },
    isAppendOnly: true,
    script: script(1, false, [
      append(1),
      step(0, 5),
      append(1),
      { do: 'fate', fate: 'delayed' },
      step(0, 3),
      { do: 'crash', writer: 0 },
      step(0, 1),
      { do: 'fate', fate: 'lost' },
    ]),
  },
  {
    mistake: 'a range that was kept is cut anew when it is tried again',
    right: ranges,
    wrong: {
      bucket: unarbitrated,
      pendingPut: (io, path) => ({ ...pendingPutFile(io, path), replay: async () => false }),
    },
    isAppendOnly: true,
    script: script(1, false, [
      append(1),
      { do: 'fate', fate: 'delayed' },
      step(0, 1),
      step(0, 1),
      step(0, 7),
      append(1),
    ]),
  },
  {
    mistake: 'what was shipped is never compared again while nothing shrinks',
    right: {},
    wrong: { neverAudits: true },
    isAppendOnly: false,
    script: script(1, true, [...farBehind, ...edits, append(1), step(0, 500)]),
  },
  ...inSource,
];
