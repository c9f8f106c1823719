import { once } from 'node:events';
import {
  appendFile,
  cp,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openLocalBucket } from '../../src/bucket/local/bucket.js';
import { systemClock } from '../../src/clock.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { readDocumented } from '../support/documented-reader.js';
import { type CliResult, type CliWorld, collect } from '../support/run-cli.js';

const acts = [
  ...['append', 'append', 'append', 'fragment', 'overwrite', 'put back', 'truncate'],
  ...['move', 'move back', 'stub', 'state lost', 'keep state', 'state restored'],
  ...['keep bucket', 'bucket restored', 'part lost', 'part cut', 'unmount', 'mount'],
  ...['kill', 'kill', 'kill', 'once', 'verify', 'doctor'],
] as const;
export type Act = (typeof acts)[number];

export interface ProcessOutcome {
  readonly kills: number;
  /** Commands that ended by themselves. */
  readonly said: number;
  /** Those that ended with 0. */
  readonly saidWell: number;
}

const session = '0b1d5a7e-2c44-4c1b-9d55-3f0e6a1c2d10';
const harness = 'claude-code';
const longestWatchMs = 6_000;

/** The same acts for the same seed. */
export function actsOf(seed: number): readonly Act[] {
  const random = randomFrom(seed);
  const length = 5 + Math.floor(random() * 6);
  return Array.from({ length }, () => acts[Math.floor(random() * acts.length)] ?? 'append');
}

/** https://en.wikipedia.org/wiki/Linear_congruential_generator, with the constants of Numerical Recipes. */
function randomFrom(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * One session, a bucket and the built command, to which everything happens that may: whenever a command ends with 0, a reader
 * that knows the documentation alone finds every complete line of every file.
 */
export class ProcessScript {
  readonly #world: CliWorld;
  readonly #random: () => number;
  readonly #trace: string[] = [];
  #line = 0;
  #kept: Buffer = Buffer.alloc(0);
  #kills = 0;
  #said = 0;
  #saidWell = 0;

  constructor(world: CliWorld, seed: number) {
    this.#world = world;
    this.#random = randomFrom(seed + 1_000_003);
  }

  async run(script: readonly Act[]): Promise<ProcessOutcome> {
    for (const path of [this.#here, this.#there]) await mkdir(dirname(path), { recursive: true });
    await writeFile(this.#here, this.#rows(2));
    try {
      for (const act of script) {
        this.#trace.push(act);
        await this.#happens(act);
      }
      await this.#mount();
      await this.#end();
    } catch (error) {
      throw new Error(`after ${this.#trace.join(', ')}`, { cause: error });
    }
    return { kills: this.#kills, said: this.#said, saidWell: this.#saidWell };
  }

  get #here(): string {
    return join(this.#world.home, '.claude', 'projects', '-here', `${session}.jsonl`);
  }

  get #there(): string {
    return join(this.#world.home, '.claude', 'projects', '-there', `${session}.jsonl`);
  }

  get #state(): string {
    return join(this.#world.stateFolder, 'state');
  }

  get #bucket(): string {
    return join(this.#world.stateFolder, 'bucket');
  }

  get #drive(): string {
    return join(this.#world.root, 'drive');
  }

  async #happens(act: Act): Promise<unknown> {
    switch (act) {
      case 'kill':
        return this.#kill();
      case 'once':
        return this.#says(['watch', '--once']);
      case 'verify':
        return this.#says(['session', 'verify']);
      case 'doctor':
        return this.#doctor();
      case 'unmount':
        return this.#unmount();
      case 'mount':
        return this.#mount();
      case 'part lost':
      case 'part cut':
        return this.#damage(act);
      case 'state lost':
        return rm(this.#state, { recursive: true, force: true });
      case 'keep state':
        return copied(this.#state, `${this.#state}-kept`);
      case 'state restored':
        return copied(`${this.#state}-kept`, this.#state);
      case 'keep bucket':
      case 'bucket restored':
        return this.#keep(act);
      default:
        return this.#befalls(act);
    }
  }

  async #befalls(act: Act): Promise<void> {
    const [place, elsewhere] = await this.#places();
    if (act === 'append') await appendFile(place, this.#rows(1 + Math.floor(this.#random() * 4)));
    if (act === 'fragment') await appendFile(place, '{"half":');
    if (act === 'stub') await writeFile(elsewhere, '{"moved":true}\n');
    if (act === 'put back' && this.#kept.length > 0) await writeFile(place, this.#kept);
    if (act === 'overwrite') {
      this.#kept = await readFile(place);
      await writeFile(place, `{"other":${this.#nextLine()}}\n`);
    }
    if (act === 'move' || act === 'move back') await rename(place, elsewhere);
    if (act === 'truncate') {
      const lines = 1 + Math.floor(this.#random() * 3);
      const text = (await readFile(place, 'utf8')).split('\n').slice(0, lines).join('\n');
      if (text.length < (await sizeOf(place))) await truncate(place, Buffer.byteLength(text) + 1);
    }
  }

  async #keep(act: 'keep bucket' | 'bucket restored'): Promise<void> {
    if (!(await this.#isMounted())) return;
    const kept = `${this.#bucket}-kept`;
    if (act === 'keep bucket') await copied(this.#bucket, kept);
    else await copied(kept, this.#bucket);
  }

  async #damage(act: 'part lost' | 'part cut'): Promise<void> {
    const folder = join(this.#bucket, 'default', 'sessions', harness, session);
    const names = await readdir(folder).catch(() => []);
    const parts = names.filter((name) => name.startsWith('part-')).sort();
    const name = parts[Math.floor(this.#random() * parts.length)];
    if (name === undefined) return;
    const path = join(folder, name);
    if (act === 'part lost') await rm(path);
    else await truncate(path, Math.floor((await sizeOf(path)) / 2));
  }

  async #isMounted(): Promise<boolean> {
    return (await sizeOf(this.#drive)) === 0;
  }

  /** Leaves an empty mount point. A machine that remembers nothing of a bucket cannot tell one from another. */
  async #unmount(): Promise<void> {
    const isKnown = (await sizeOf(join(this.#bucket, 'default', '_bucket.json'))) > 0;
    if (!isKnown || (await sizeOf(this.#state)) === 0 || !(await this.#isMounted())) return;
    await rename(this.#bucket, this.#drive);
    await mkdir(join(this.#bucket, '.tracecraft'), { recursive: true, mode: 0o700 });
  }

  async #mount(): Promise<void> {
    if (await this.#isMounted()) return;
    await rm(this.#bucket, { recursive: true });
    await rename(this.#drive, this.#bucket);
  }

  /** A watch that is killed while the transcript grows. */
  async #kill(): Promise<void> {
    this.#kills += 1;
    const watch = this.#world.start(['watch']);
    const ended = once(watch, 'close');
    watch.stdout?.resume();
    const spoke = watch.stderr === null ? ended : once(watch.stderr, 'data');
    await Promise.race([spoke, ended, systemClock.sleep(longestWatchMs)]);
    const [place] = await this.#places();
    await appendFile(place, this.#rows(2));
    await systemClock.sleep(this.#random() * 700);
    watch.kill('SIGKILL');
    await ended;
  }

  /** Of a file that has just changed, it says only that a watch would send it. */
  async #doctor(): Promise<void> {
    const longAgo = new Date(systemClock.now() - 7_200_000);
    for (const path of await this.#places()) {
      await utimes(path, longAgo, longAgo).catch(() => undefined);
    }
    await this.#says(['doctor']);
  }

  async #says(args: readonly string[]): Promise<CliResult> {
    this.#said += 1;
    const result = await collect(this.#world.start(args));
    this.#trace.push(`${args.join(' ')}: ${result.code}`);
    if (result.code === 0) {
      this.#saidWell += 1;
      await this.#findEvery();
    }
    return result;
  }

  /** At the end nothing is in the way: whoever says that all is well is asked for all of it. */
  async #end(): Promise<void> {
    if ((await this.#says(['watch', '--once', '--all'])).code !== 0) return;
    const whole = await this.#findEvery();
    const { code } = await this.#says(['session', 'verify']);
    if (code !== 0) throw new Error('watch --once said well, and verify did not');
    if (whole.length === 0) return;
    const shown = await this.#world.run(['session', 'show', session, '--raw']);
    requireSame('session show', shown.stdout, whole);
    const compacted = await this.#world.run(['session', 'compact', session]);
    if (compacted.code !== 0) return;
    const copy = join(this.#bucket, 'default', 'sessions', harness, session, 'transcript.jsonl');
    requireSame('session compact', await readFile(copy, 'utf8'), whole);
  }

  /** The main stream; every file is the beginning of some stream. */
  async #findEvery(): Promise<Buffer> {
    const bucket = await openLocalBucket({ root: this.#bucket });
    const layout = bucketLayout('default');
    const copies = [1, 2, 3, 4].map((n) => layout.stream(harness, session, `copies/${n}`));
    const prefixes = [layout.session(harness, session), ...copies];
    const streams = await Promise.all(prefixes.map((prefix) => readDocumented(bucket, prefix)));
    await bucket.close();
    for (const path of [this.#here, this.#there]) {
      const bytes = await readFile(path).catch(() => Buffer.alloc(0));
      const complete = bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1);
      const isFound = streams.some((one) => one.subarray(0, complete.length).equals(complete));
      if (!isFound) throw new Error(`${path} is not found: ${complete}`);
    }
    return streams[0] ?? Buffer.alloc(0);
  }

  /** Where the transcript is, and where it is not: it is the longer of the two files. */
  async #places(): Promise<readonly [string, string]> {
    const isThere = (await sizeOf(this.#there)) > (await sizeOf(this.#here));
    return isThere ? [this.#there, this.#here] : [this.#here, this.#there];
  }

  #rows(count: number): string {
    return Array.from({ length: count }, () => `{"n":${this.#nextLine()}}\n`).join('');
  }

  #nextLine(): number {
    this.#line += 1;
    return this.#line;
  }
}

function requireSame(what: string, text: string, whole: Buffer): void {
  if (text !== whole.toString()) throw new Error(`${what} shows ${text}, not ${whole}`);
}

function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

async function copied(from: string, to: string): Promise<void> {
  if ((await sizeOf(from)) === 0) return;
  await rm(to, { recursive: true, force: true });
  await cp(from, to, { recursive: true });
}
