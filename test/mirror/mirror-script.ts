import type { Bucket } from '../../src/bucket/bucket.js';
import { systemClock } from '../../src/clock.js';
import { TracecraftError } from '../../src/errors.js';
import type { Io } from '../../src/io.js';
import { completeLines } from '../../src/mirror/lines.js';
import { listStream, newestFirst } from '../../src/mirror/slots/listing.js';
import { readChain } from '../../src/mirror/slots/reader.js';
import { StreamMirror } from '../../src/mirror/slots/stream-mirror.js';
import type { PendingPut } from '../../src/mirror/state/pending-put.js';
import { streamStateFile } from '../../src/mirror/state/stream-state.js';
import type { LineStream } from '../../src/mirror/stream.js';
import type { Redactor } from '../../src/redact/redact.js';
import { agrees } from '../../src/redact/redaction-match.js';
import { jsonlStream } from '../support/jsonl-stream.js';
import { MemoryStore, type PutFate } from '../support/memory-bucket.js';
import { MemoryDisk } from '../support/memory-disk.js';
import { Turnstile } from '../support/turnstile.js';

/** What may happen to a source, a writer or the store while writers are at work. */
export type Event =
  | { readonly do: 'append'; readonly lines: number }
  | { readonly do: 'fragment' }
  | { readonly do: 'truncate'; readonly keep: number }
  | { readonly do: 'rewrite'; readonly lines: number }
  | { readonly do: 'replace'; readonly lines: number }
  | { readonly do: 'edit'; readonly at: number }
  | { readonly do: 'delete' }
  | { readonly do: 'step'; readonly writer: number; readonly steps: number }
  | { readonly do: 'audit'; readonly writer: number }
  | { readonly do: 'crash'; readonly writer: number }
  | { readonly do: 'forget'; readonly writer: number }
  | { readonly do: 'rollback'; readonly writer: number }
  /** All that is under way ends; then the state is gone. */
  | { readonly do: 'move'; readonly writer: number }
  | { readonly do: 'fate'; readonly fate: PutFate }
  | { readonly do: 'deliver' };

export interface Script {
  readonly events: readonly Event[];
  readonly writers: number;
  readonly listsDigests: boolean;
  /** At the end the writers go on as they are, instead of being killed and started again. */
  readonly goesOn: boolean;
}

export interface World {
  readonly store: MemoryStore;
  readonly disk: MemoryDisk;
  readonly prefix: string;
  readonly path: string;
}

const path = '/source/session.jsonl';
const paths = [path, '/other/session.jsonl'] as const;
const prefix = 'p/sessions/claude-code/s/';
const redaction = /SECRET\d+/g;

/** Deterministic, per line, newline-preserving: what the protocol asks of any redactor. */
export const testRedactor: Redactor = {
  version: 'test',
  redact: (line) => {
    const text = line.toString('latin1');
    if (!text.includes('SECRET')) return { bytes: line, counts: undefined };
    const redacted = text.replace(redaction, '[REDACTED:test]');
    return { bytes: Buffer.from(redacted, 'latin1'), counts: new Map([['test', 1]]) };
  },
};

export interface WriterOptions {
  readonly bucket: Bucket;
  readonly io: Io;
  readonly state: string;
  readonly name: string;
  readonly pendingPut?: PendingPut;
  readonly source?: string;
}

/** What stands between the writers and the world: another kind of store, or a mistake that a script has to find. */
export interface Setting {
  readonly ignoresConditions?: boolean;
  readonly bucket?: (real: Bucket) => Bucket;
  readonly pendingPut?: (io: Io, path: string) => PendingPut;
  readonly neverAudits?: boolean;
  /** Two machines, each with a file of its own under one session id; what happens to sources happens to them in turn. */
  readonly ownSources?: boolean;
}

export function makeWriter(options: WriterOptions): StreamMirror {
  const { bucket, io, state, name, pendingPut, source = path } = options;
  const stream: LineStream = jsonlStream(io, source, 's');
  return new StreamMirror(
    () => ({
      bucket,
      redactor: testRedactor,
      outline: () => undefined,
      clock: systemClock,
      who: name,
      stateFile: streamStateFile(io, `${state}/main`, () => undefined),
      ...(pendingPut === undefined ? {} : { pendingPut }),
      prefix,
      isHeld: async () => true,
      isThorough: false,
      onConflict: async () => 'fork',
    }),
    stream,
  );
}

/** Small parts, so that a few lines make many slots. */
const limits = { partBytes: 40, parts: 3 };

class Actor {
  readonly #world: World;
  readonly #turnstile: Turnstile;
  readonly #name: string;
  readonly #nextFate: () => PutFate;
  readonly #setting: Setting;
  readonly #source: string;
  #life = 0;
  #mirror: StreamMirror | undefined;
  #isBusy = false;
  #work: Promise<void> = Promise.resolve();
  #saved: ReadonlyMap<string, Buffer> = new Map();

  constructor(
    world: World,
    turnstile: Turnstile,
    name: string,
    nextFate: () => PutFate,
    setting: Setting,
    source: string,
  ) {
    this.#setting = setting;
    this.#source = source;
    this.#world = world;
    this.#turnstile = turnstile;
    this.#name = name;
    this.#nextFate = nextFate;
  }

  get #actor(): string {
    return `${this.#name}-${this.#life}`;
  }

  get state(): string {
    return `/state/${this.#name}`;
  }

  async step(steps: number, audit: boolean): Promise<void> {
    if (!this.#isBusy) this.#begin(audit);
    for (let count = 0; count < steps && this.#isBusy; count += 1) {
      await this.#turnstile.let(this.#actor);
    }
  }

  /** Stopped at whatever step it was; what it had sent may still arrive. */
  crash(): void {
    this.#life += 1;
    this.#mirror = undefined;
    this.#isBusy = false;
  }

  forget(): void {
    this.crash();
    this.#world.disk.delete(this.state);
  }

  /** The state folder comes back from an old backup. */
  rollback(): void {
    this.crash();
    const now = this.#world.disk.snapshot(this.state);
    this.#world.disk.restore(this.state, this.#saved);
    this.#saved = now;
  }

  async move(): Promise<void> {
    await this.resolveSource();
    this.forget();
  }

  /** Runs without faults until nothing changes any more. */
  async resolveSource(): Promise<void> {
    this.#turnstile.release(this.#actor);
    if (this.#isBusy) await this.#work;
    const mirror = this.#open();
    for (let round = 0; round < 200; round += 1) {
      const before = this.#world.store.objects.size;
      if (!this.#setting.neverAudits) await mirror.audit();
      const { state, more } = await mirror.upload(limits);
      const isQuiet = this.#world.store.objects.size === before && !more;
      if (isQuiet && state !== 'unsteady') return;
    }
    throw new Error(`${this.#name} never comes to rest`);
  }

  #begin(audit: boolean): void {
    this.#isBusy = true;
    const life = this.#life;
    const mirror = this.#open();
    const work = audit && !this.#setting.neverAudits ? mirror.audit() : mirror.upload(limits);
    this.#work = work.then(
      () => this.#ended(life),
      (error: unknown) => {
        this.#ended(life);
        if (!(error instanceof TracecraftError)) throw error;
      },
    );
  }

  #ended(life: number): void {
    if (life === this.#life) this.#isBusy = false;
  }

  #open(): StreamMirror {
    if (this.#mirror !== undefined) return this.#mirror;
    const gate = this.#turnstile.gate(this.#actor);
    const io = this.#world.disk.io(gate);
    const client = this.#world.store.client({ gate, fate: this.#nextFate });
    const { bucket = (real) => real, pendingPut } = this.#setting;
    this.#mirror = makeWriter({
      bucket: bucket(client),
      io,
      state: this.state,
      name: this.#name,
      source: this.#source,
      ...(pendingPut === undefined ? {} : { pendingPut: pendingPut(io, `${this.state}/outbox`) }),
    });
    return this.#mirror;
  }
}

export async function play(script: Script, setting: Setting = {}): Promise<World> {
  const world: World = {
    store: new MemoryStore(script.listsDigests),
    disk: new MemoryDisk(),
    prefix,
    path,
  };
  world.store.ignoresConditions = setting.ignoresConditions ?? false;
  const turnstile = new Turnstile();
  let fate: PutFate = 'applied';
  const nextFate = (): PutFate => {
    const now = fate;
    fate = 'applied';
    return now;
  };
  const actors = Array.from(
    { length: script.writers },
    (_, index) =>
      new Actor(world, turnstile, `w${index}`, nextFate, setting, sourceOf(index, setting)),
  );
  const sources = new Map(
    actors.map((_, index) => [index, new Source(world.disk, sourceOf(index, setting))]),
  );
  for (const [index, event] of script.events.entries()) {
    if (event.do === 'fate') fate = event.fate;
    else if (event.do === 'deliver') world.store.deliverDelayed();
    else if (event.do === 'move') {
      fate = 'applied';
      world.store.deliverDelayed();
      await actors[event.writer % script.writers]?.move();
    } else if ('writer' in event) await act(actors[event.writer % script.writers], event);
    else sources.get(setting.ownSources ? index % actors.length : 0)?.happen(event);
  }
  fate = 'applied';
  if (!script.goesOn) for (const actor of actors) actor.crash();
  for (const actor of actors) await actor.resolveSource();
  world.store.deliverDelayed();
  for (const actor of actors) await actor.resolveSource();
  return world;
}

export function sourceOf(writer: number, { ownSources = false }: Setting): string {
  return (ownSources ? paths[writer] : undefined) ?? path;
}

async function act(
  actor: Actor | undefined,
  event: Extract<Event, { writer: number }>,
): Promise<void> {
  if (actor === undefined) return;
  if (event.do === 'step') await actor.step(event.steps, false);
  else if (event.do === 'audit') await actor.step(4, true);
  else if (event.do === 'crash') actor.crash();
  else if (event.do === 'forget') actor.forget();
  else actor.rollback();
}

class Source {
  readonly #disk: MemoryDisk;
  readonly #path: string;
  #count = 0;

  constructor(disk: MemoryDisk, at: string) {
    this.#disk = disk;
    this.#path = at;
    this.#count = at === path ? 0 : 1_000;
  }

  happen(event: Exclude<Event, { writer: number } | { do: 'fate' } | { do: 'deliver' }>): void {
    const now = this.#disk.read(this.#path) ?? Buffer.alloc(0);
    if (event.do === 'append') this.#disk.append(this.#path, this.#lines(event.lines));
    else if (event.do === 'fragment') this.#disk.append(this.#path, Buffer.from('frag'));
    else if (event.do === 'truncate') {
      this.#disk.overwrite(this.#path, now.subarray(0, Math.floor((now.length * event.keep) / 10)));
    } else if (event.do === 'rewrite') this.#disk.overwrite(this.#path, this.#lines(event.lines));
    else if (event.do === 'replace') {
      this.#disk.replace(this.#path, Buffer.concat([now, this.#lines(event.lines)]));
    } else if (event.do === 'edit') this.#edit(now, event.at);
    else this.#disk.delete(this.#path);
  }

  /** One byte of some line changes in place; the length stays. */
  #edit(now: Buffer, at: number): void {
    if (now.length === 0) return;
    const copy = Buffer.from(now);
    const index = Math.floor((now.length * at) / 10);
    if (copy[index] !== 0x0a) copy[index] = 0x41 + (this.#count++ % 26);
    this.#disk.overwrite(this.#path, copy);
  }

  #lines(count: number): Buffer {
    let text = '';
    for (let index = 0; index < count; index += 1) {
      this.#count += 1;
      const secret = this.#count % 5 === 0 ? ` SECRET${this.#count}` : '';
      text += `{"n":${this.#count}${secret}}\n`;
    }
    return Buffer.from(text);
  }
}

/** Reads the newest generation that agrees with the source, from the bucket alone, and says what is wrong, if anything. */
export async function judge(world: World, at: string = path): Promise<string | undefined> {
  const source = completeLines(world.disk.read(at) ?? Buffer.alloc(0));
  const client = world.store.client();
  const listing = await listStream(client, prefix);
  const problems: string[] = [];
  for (const generation of newestFirst(listing)) {
    const lines: Buffer[] = [];
    for await (const part of readChain(client, listing, generation)) {
      if (part.body[part.body.length - 1] !== 0x0a) return `${part.key} ends mid-line`;
      lines.push(...completeLines(part.body));
    }
    const wrong = source.findIndex((line, index) => !agrees(lines[index] ?? Buffer.alloc(0), line));
    if (wrong === -1) return undefined;
    problems.push(`generation ${generation}: line ${wrong} of ${source.length} is not there`);
  }
  return problems.join('; ');
}

/** For scripts that only append: one generation, and no line more than the source has. */
export async function judgeAppendOnly(world: World): Promise<string | undefined> {
  const client = world.store.client();
  const listing = await listStream(client, prefix);
  if (listing.newestGeneration > 0) return 'a generation was opened without need';
  const bodies: Buffer[] = [];
  for await (const part of readChain(client, listing, 0)) bodies.push(part.body);
  const stored = Buffer.concat(bodies);
  if (listing.parts.size !== bodies.length) return 'there are parts outside the chain';
  const source = completeLines(world.disk.read(path) ?? Buffer.alloc(0));
  const expected = Buffer.concat(source.map((line) => testRedactor.redact(line).bytes));
  return stored.equals(expected) ? undefined : 'stored bytes differ from the redacted source';
}
