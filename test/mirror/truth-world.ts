import { cp, mkdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { unsentBytes } from '../../src/app/session-lag.js';
import type { Bucket } from '../../src/bucket/bucket.js';
import { type Clock, systemClock } from '../../src/clock.js';
import { compactSession } from '../../src/compact/compact.js';
import { isWrong } from '../../src/doctor/finding.js';
import { examineMirror, findSessions } from '../../src/doctor/sessions.js';
import { PartialError, TracecraftError } from '../../src/errors.js';
import { type Io, nodeIo } from '../../src/io.js';
import { listSessionIds, readMeta, readWhole } from '../../src/mirror/slots/session-listing.js';
import { BucketIdentity } from '../../src/mirror/state/bucket-identity.js';
import type { Watcher } from '../../src/mirror/stream.js';
import { everything } from '../../src/mirror/watch/selection.js';
import { noRedaction } from '../../src/redact/redact.js';
import { ClaudeCodeWatcher } from '../../watchers/claude-code/watcher.js';
import { sessionUuid } from '../support/claude-tree.js';
import { readBySorting, readDocumented } from '../support/documented-reader.js';
import { hastyClock } from '../support/hasty-clock.js';
import type { MemoryStore } from '../support/memory-bucket.js';
import { MirrorRig, type RigOptions, type Run } from '../support/mirror-rig.js';
import { type Death, Mortal } from '../support/mortal.js';
import { systemError } from '../support/wrapped-disk.js';

import type { TruthStep } from './truth-steps.js';

/** A run that ends with an error has named what is wrong. */
export function asNamed(error: unknown): undefined {
  if (!(error instanceof TracecraftError)) throw error;
}

/** What nobody does to a drive that is not there. */
const needsMount = new Set<TruthStep['kind']>([
  'state lost',
  'keep state',
  'state restored',
  'keep bucket',
  'bucket restored',
  'part lost',
  'part cut',
]);

/** One session of Claude Code, a bucket, and what this machine remembers: everything that may befall them. */
export class TruthWorld {
  readonly #rig: MirrorRig;
  readonly #store: MemoryStore;
  /** What the drive holds while it is not mounted. */
  #drive: ReturnType<MemoryStore['copy']> | undefined;
  #keptBucket: ReturnType<MemoryStore['copy']> | undefined;
  #isReadable = true;
  /** A part was lost or cut, or the bucket set back, and no run has said since that all is well. */
  #isDamaged = false;
  /** Writes of a killed process that are on their way. */
  #late: Mortal | undefined;
  readonly #id = sessionUuid();
  readonly #here: string;
  readonly #there: string;
  #kept: Buffer = Buffer.alloc(0);
  #line = 0;

  private constructor(rig: MirrorRig, store: MemoryStore) {
    this.#rig = rig;
    this.#store = store;
    this.#here = rig.tree.path('/here', `${this.#id}.jsonl`);
    this.#there = rig.tree.path('/there', `${this.#id}.jsonl`);
  }

  static async create(store: MemoryStore): Promise<TruthWorld> {
    const world = new TruthWorld(await MirrorRig.create(store.client()), store);
    for (const path of [world.#here, world.#there]) await mkdir(dirname(path), { recursive: true });
    await world.#identity(nodeIo, world.#rig.bucket).accept();
    return world;
  }

  remove(): Promise<void> {
    return this.#rig.remove();
  }

  /** The run that it stands for, if it is one. */
  async happens(step: TruthStep): Promise<Run | undefined> {
    if (!this.#isMounted && needsMount.has(step.kind)) return;
    this.#store.nowMs += 1_000;
    const late = this.#late;
    const run = await this.#happens(step);
    if (late === undefined || this.#late !== late) return run;
    await run?.ended.catch(asNamed);
    await this.#arrive();
    // What arrives after a run is not what it spoke of.
    return undefined;
  }

  async #arrive(): Promise<void> {
    const late = this.#late;
    this.#late = undefined;
    await late?.arrive().catch(asNamed);
  }

  async #happens(step: TruthStep): Promise<Run | undefined> {
    switch (step.kind) {
      case 'run':
        return this.#rig.once(this.#options());
      case 'run thoroughly':
        return this.#rig.once({ ...this.#options(), isThorough: true });
      case 'watch':
        return this.#watched();
      case 'killed':
        return this.#killed(step.atCall, step.death);
      case 'unmount':
      case 'mount':
        return this.#mount(step.kind === 'mount');
      case 'unreadable':
      case 'readable':
        this.#isReadable = step.kind === 'readable';
        return;
      case 'append':
        return this.#append(this.#rows(step.lines));
      case 'truncate':
        return this.#cut(step.lines);
      case 'part lost':
      case 'part cut':
        return this.#damage(step.kind, step.which);
      default:
        return this.#befalls(step.kind);
    }
  }

  /** Whenever nothing differs from its source, that reader finds every complete line; also with the drive away. */
  async judgeVerify(): Promise<void> {
    const verdicts = await this.#rig.verdicts(this.#watchers(this.#io()));
    const states = [...verdicts.values()].map(({ state }) => state);
    if (states.every((state) => state === 'ok' || state === 'ahead')) await this.#findEvery();
  }

  /** The same for `doctor`, an hour later: what has just changed, a running watch may still send. */
  async judgeDoctor(): Promise<void> {
    const { bucket, layout, stateFolder: folder } = this.#rig;
    const io = this.#io();
    const clock: Clock = { ...systemClock, now: () => systemClock.now() + 3_600_000 };
    const here = await findSessions(this.#watchers(io), everything, clock.now(), async () => []);
    const mirror = await examineMirror(here, { bucket, layout, folder, io, clock });
    const findings = [...here.examined.findings, ...mirror.findings];
    if (!findings.some(isWrong)) await this.#findEvery();
  }

  /** `status` knows what was sent, not what the bucket lost since. */
  async judgeStatus(): Promise<void> {
    const { bucket, layout, stateFolder: folder } = this.#rig;
    const session = { harness: 'claude-code', id: this.#id };
    const meta = await readMeta(bucket, layout.meta(session.harness, session.id));
    const machine = { host: 'here', io: this.#io(), folder };
    const unsent = await unsentBytes({ ...session, meta }, machine);
    if (unsent !== 0 || this.#isDamaged) return;
    await this.#find(await this.#streams(), meta?.source_path ?? '');
  }

  /** Every complete line of every file is found, and no reader of ours says otherwise. */
  async judge(): Promise<void> {
    this.#isDamaged = false;
    expect(this.#isMounted, 'the drive is mounted').toBe(true);
    const { bucket, layout } = this.#rig;
    const whole = await this.#findEvery();
    const sorted = await readBySorting(bucket, layout.session('claude-code', this.#id));
    expect((sorted ?? whole).toString()).toBe(whole.toString());
    expect((await this.#shown()).toString()).toBe(whole.toString());
    const compacted = await this.#compacted();
    if (compacted !== undefined) expect(compacted.toString()).toBe(whole.toString());
    const verdicts = await this.#rig.verdicts(this.#watchers());
    const states = [...verdicts.values()].map(({ state }) => state);
    expect(states.filter((state) => state !== 'ok' && state !== 'ahead')).toEqual([]);
  }

  /** The main stream, as documented; some stream begins with the complete lines of each file. */
  async #findEvery(): Promise<Buffer> {
    const streams = await this.#streams();
    for (const path of [this.#here, this.#there]) await this.#find(streams, path);
    return streams[0] ?? Buffer.alloc(0);
  }

  async #find(streams: readonly Buffer[], path: string): Promise<void> {
    const complete = await completeOf(path);
    const isFound = streams.some((stream) => stream.subarray(0, complete.length).equals(complete));
    expect(isFound, `${path} is found: ${complete}`).toBe(true);
  }

  async #streams(): Promise<readonly Buffer[]> {
    const { bucket, layout } = this.#rig;
    const main = layout.session('claude-code', this.#id);
    const streams = [await readDocumented(bucket, main)];
    for (let copy = 1; copy <= 4; copy += 1) {
      const prefix = layout.stream('claude-code', this.#id, `copies/${copy}`);
      streams.push(await readDocumented(bucket, prefix));
    }
    return streams;
  }

  get #isMounted(): boolean {
    return this.#drive === undefined;
  }

  #options(io = this.#io(), bucket = this.#rig.bucket): RigOptions {
    const clock = hastyClock(8);
    const watchers = this.#watchers(io);
    return {
      io,
      bucket,
      clock,
      watchers,
      confirmBucket: () => this.#identity(io, bucket).confirm(),
    };
  }

  #watchers(io: Io = nodeIo): readonly Watcher[] {
    const settings = { io, clock: systemClock, env: {}, home: this.#rig.tree.home };
    return [new ClaudeCodeWatcher(settings)];
  }

  #identity(io: Io, bucket: Bucket): BucketIdentity {
    const { layout, stateFolder: folder } = this.#rig;
    return new BucketIdentity({ bucket, layout, io, folder });
  }

  #io(): Io {
    const open: Io['open'] = async (path) => {
      if (!this.#isReadable && path.endsWith('.jsonl')) throw systemError('EACCES');
      return nodeIo.open(path);
    };
    return { ...nodeIo, open };
  }

  /** The run, when it came to its end first. */
  async #killed(atCall: number, death: Death): Promise<Run | undefined> {
    const mortal = new Mortal(atCall, death);
    const run = this.#rig.once(
      this.#options(mortal.io(this.#io()), mortal.bucket(this.#rig.bucket)),
    );
    const ended = run.ended.then(() => true, asNamed);
    if ((await Promise.race([ended, mortal.died.then(() => 'dead')])) !== 'dead') return run;
    this.#late = mortal;
    return undefined;
  }

  /** Who remembers nothing of a bucket cannot tell another from it. */
  async #mount(isMounted: boolean): Promise<undefined> {
    if (isMounted === this.#isMounted) return;
    if ((await sizeOf(join(this.#rig.stateFolder, 'bucket.json'))) === 0) return;
    // A write on its way reaches the drive, not what is mounted in its place.
    await this.#arrive();
    const drive = this.#drive;
    this.#drive = isMounted ? undefined : this.#store.copy();
    this.#store.restore(drive ?? []);
  }

  /** `undefined` where it names parts that are gone, which a copy from before still has. */
  async #compacted(): Promise<Buffer | undefined> {
    const { bucket, layout, stateFolder } = this.#rig;
    const target = { harness: 'claude-code', id: this.#id, format: 'raw' } as const;
    const folder = `${stateFolder}-scratch`;
    const context = { bucket, layout, folder, host: 'here', redactor: noRedaction };
    try {
      const { state, key } = await compactSession(context, target);
      const stored = state === 'empty' ? undefined : await bucket.get(key);
      return stored?.body ?? Buffer.alloc(0);
    } catch (error) {
      if (error instanceof PartialError) return undefined;
      throw error;
    }
  }

  async #shown(): Promise<Buffer> {
    const { bucket, layout } = this.#rig;
    const ids = await listSessionIds(bucket, layout, ['claude-code']);
    if (!ids.get('claude-code')?.has(this.#id)) return Buffer.alloc(0);
    const lines: Buffer[] = [];
    const session = { harness: 'claude-code', id: this.#id };
    for await (const line of readWhole(bucket, layout.session(session.harness, session.id)))
      lines.push(line);
    return Buffer.concat(lines);
  }

  async #watched(): Promise<Run> {
    const run = this.#rig.watch({ ...this.#options(), sweepMs: 800 });
    await Promise.race([run.started, run.ended.catch(asNamed)]);
    await this.#append(this.#rows(2));
    await run.end().catch(asNamed);
    return run;
  }

  async #befalls(kind: TruthStep['kind']): Promise<undefined> {
    const { stateFolder } = this.#rig;
    const [place, elsewhere] = [await this.#place(), await this.#elsewhere()];
    if (kind === 'fragment') await this.#append('{"half":');
    if (kind === 'overwrite') {
      this.#kept = await readOrNothing(place);
      await writeFile(place, `{"other":${this.#nextLine()}}\n`);
    }
    if (kind === 'put back' && this.#kept.length > 0) await writeFile(place, this.#kept);
    if (kind === 'move' || kind === 'move back')
      await rename(place, elsewhere).catch(() => undefined);
    if (kind === 'stub') await writeFile(elsewhere, '{"moved":true}\n');
    if (kind === 'state lost') await rm(stateFolder, { recursive: true, force: true });
    if (kind === 'keep state') await copied(stateFolder, `${stateFolder}-kept`);
    if (kind === 'state restored') await copied(`${stateFolder}-kept`, stateFolder);
    if (kind === 'keep bucket') this.#keptBucket = this.#store.copy();
    if (kind === 'bucket restored' && this.#keptBucket !== undefined) {
      this.#isDamaged = true;
      this.#store.restore(this.#keptBucket);
    }
    return undefined;
  }

  async #damage(kind: 'part lost' | 'part cut', which: number): Promise<undefined> {
    const { bucket, layout } = this.#rig;
    const prefix = layout.session('claude-code', this.#id);
    const parts = (await this.#rig.keys(prefix)).filter((key) => key.includes('/part-'));
    const key = parts[which % Math.max(1, parts.length)];
    if (key === undefined) return;
    this.#isDamaged = true;
    if (kind === 'part lost') return bucket.delete(key).then(() => undefined);
    const body = (await bucket.get(key))?.body ?? Buffer.alloc(0);
    await bucket.put(key, body.subarray(0, Math.floor(body.length / 2)));
  }

  async #append(text: string): Promise<undefined> {
    const place = await this.#place();
    await writeFile(place, Buffer.concat([await readOrNothing(place), Buffer.from(text)]));
  }

  async #cut(lines: number): Promise<undefined> {
    const place = await this.#place();
    const text = (await readOrNothing(place)).toString().split('\n').slice(0, lines).join('\n');
    if (text !== '') await truncate(place, Buffer.byteLength(text) + 1).catch(() => undefined);
  }

  #rows(count: number): string {
    return Array.from({ length: count }, () => `{"n":${this.#nextLine()}}\n`).join('');
  }

  #nextLine(): number {
    this.#line += 1;
    return this.#line;
  }

  /** Where the transcript is: the longer of the two files. */
  async #place(): Promise<string> {
    const [here, there] = await Promise.all([this.#here, this.#there].map(sizeOf));
    return (here ?? 0) >= (there ?? 0) ? this.#here : this.#there;
  }

  async #elsewhere(): Promise<string> {
    return (await this.#place()) === this.#here ? this.#there : this.#here;
  }
}

async function completeOf(path: string): Promise<Buffer> {
  const bytes = await readOrNothing(path);
  return bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1);
}

function readOrNothing(path: string): Promise<Buffer> {
  return readFile(path).catch(() => Buffer.alloc(0));
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
