import type * as v from 'valibot';
import type { Bucket, ObjectEntry } from '../../bucket/bucket.js';
import { inParallel, readAhead } from '../../concurrency.js';
import { isCopyName } from '../../protocol/artifacts.js';
import { claimSchema, handoffSchema, statusSchema } from '../../protocol/coordination.js';
import { agentSchema, DocumentError, metaSchema, parseDocument } from '../../protocol/documents.js';
import { type Layout, parseStampName } from '../../protocol/keys.js';
import { type MemoryDocument, memoryKeyOf, parseMemory } from '../../protocol/memory.js';
import { decodeId, isName, stepId } from '../../protocol/names.js';
import {
  type BucketState,
  type MailDocument,
  type MailPlace,
  mailSchema,
  type Read,
  type RunState,
  type StepObjects,
  type StoredArtifact,
  type StoredMail,
  type StoredMemory,
  type StoredSession,
} from './bucket-state.js';
import { cut, shortValue } from './event-text.js';
import { type RecordedEntry, recordedEntry } from './recorded.js';

export interface ReadBucket {
  readonly state: BucketState;
  /** Objects whose content does not match their keys, each named in its message. */
  readonly skipped: readonly DocumentError[];
}

type Parse<Document> = (key: string, body: Buffer) => Document;

function as<Schema extends v.GenericSchema>(schema: Schema): Parse<v.InferOutput<Schema>> {
  return (key, body) => parseDocument(schema, key, body);
}

interface Remembered {
  readonly modifiedMs: number;
  readonly size: number;
  readonly result: Read<unknown> | DocumentError;
  /** The body of an event, for callers that ask for it. */
  readonly body: Buffer | undefined;
}

/** A parsed event, and the exact bytes of its object. */
export interface ReadEvent {
  readonly entry: RecordedEntry;
  readonly body: Buffer;
}

/**
 * Reads what happened in a project. On the next call it lists again and reads only what is new or changed. It does
 * not read transcripts: of a session only `meta.json`. A read is `state`, then `events`, then `mail`, then `end`. An
 * event is written after the state it records, so reading the states first misses no event.
 */
export class RunReader {
  readonly #bucket: Bucket;
  readonly #layout: Layout;
  readonly #remembers: boolean;
  #known = new Map<string, Remembered>();
  #next = new Map<string, Remembered>();
  #skipped: DocumentError[] = [];

  /** `remembers`: it will be asked again. Otherwise it holds nothing after reading. */
  constructor(bucket: Bucket, layout: Layout, { remembers = true } = {}) {
    this.#bucket = bucket;
    this.#layout = layout;
    this.#remembers = remembers;
  }

  /** A whole read at once. `onEvent` also gets the bytes of each event. */
  async read(onEvent?: (event: ReadEvent) => void): Promise<ReadBucket> {
    const state = await this.state();
    const events: RecordedEntry[] = [];
    for await (const event of this.#events(onEvent !== undefined)) {
      events.push(event.entry);
      onEvent?.(event);
    }
    const told = new Set(events.map(({ ref }) => ref?.key));
    const mail = await this.mail(state.mail.filter(({ key }) => !told.has(key)));
    return { state: { ...state, mail, events }, skipped: this.end() };
  }

  /** Everything but the events. For messages, only what their keys say. */
  async state(): Promise<RunState> {
    this.#next = new Map();
    this.#skipped = [];
    const [agents, steps, mail, [memories, memoryHistory], artifacts, sessions] = await Promise.all(
      [
        this.#agents(),
        this.#steps(),
        this.#mail(`${this.#layout.root}messages/`),
        this.#memories(),
        this.#artifacts(),
        this.#sessions(),
      ],
    );
    return { agents, steps, mail, memories, memoryHistory, artifacts, sessions };
  }

  /** In key order, read slightly ahead: however many there are, few are held. */
  events(): AsyncGenerator<ReadEvent> {
    return this.#events(true);
  }

  async *#events(withBody: boolean): AsyncGenerator<ReadEvent> {
    const prefix = this.#layout.events();
    const isEvent = (key: string) => parseStampName(key.slice(prefix.length)) !== undefined;
    const read = readAhead(this.#bucket.list(prefix), async (entry) =>
      entry.kind === 'object' && isEvent(entry.key) ? this.#event(entry, withBody) : undefined,
    );
    for await (const event of read) {
      if (event !== undefined) yield event;
    }
  }

  async #event(listed: ObjectEntry, withBody: boolean): Promise<ReadEvent | undefined> {
    const read = await this.#readOne(listed.key, recordedEntry, listed, withBody);
    if (read === undefined) return undefined;
    return { entry: read.document, body: read.body ?? Buffer.alloc(0) };
  }

  /** The messages themselves. */
  async mail(places: readonly StoredMail[]): Promise<readonly StoredMail[]> {
    const parse = (key: string, body: Buffer) => shortMail(parseDocument(mailSchema, key, body));
    const read = await inParallel(places, async (place) => {
      const found = await this.#readOne(place.key, parse, undefined);
      return found === undefined ? [] : [{ ...place, document: found.document }];
    });
    return read.flat();
  }

  /** Ends a read; returns what could not be read. */
  end(): readonly DocumentError[] {
    this.#known = this.#next;
    return this.#skipped;
  }

  async #agents(): Promise<BucketState['agents']> {
    const prefix = this.#layout.agents();
    const entries = await this.#list(prefix, (leaf) => isName(leaf.replace(/\.json$/, '')));
    const read = await this.#readAll(entries, as(agentSchema));
    return read.map((one) => ({ ...one, agent: one.key.slice(prefix.length, -'.json'.length) }));
  }

  async #steps(): Promise<readonly StepObjects[]> {
    const prefix = this.#layout.steps();
    const entries = await this.#list(prefix, (path) => isStepObject(path));
    const ending = (leaf: string) => entries.filter(({ key }) => key.endsWith(`/${leaf}.json`));
    const [claims, statuses, handoffs] = await Promise.all([
      this.#readAll(ending('claim'), as(claimSchema)),
      this.#readAll(ending('status'), as(statusSchema)),
      this.#readAll(ending('handoff'), as(handoffSchema)),
    ]);
    const stepOf = ({ key }: { readonly key: string }) => key.slice(prefix.length).split('/')[0];
    const byStep = <Document>(read: readonly Read<Document>[]) =>
      new Map(read.map((one) => [stepOf(one), one]));
    const [claim, status, handoff] = [byStep(claims), byStep(statuses), byStep(handoffs)];
    return [...new Set(entries.map(stepOf))].flatMap((step) =>
      step === undefined
        ? []
        : [{ step, claim: claim.get(step), status: status.get(step), handoff: handoff.get(step) }],
    );
  }

  async #mail(prefix: string): Promise<readonly StoredMail[]> {
    const places: StoredMail[] = [];
    for await (const entry of this.#bucket.list(prefix)) {
      const place = entry.kind === 'object' ? mailPlace(entry.key.slice(prefix.length)) : undefined;
      if (entry.kind === 'object' && place !== undefined)
        places.push({ key: entry.key, ...place, document: undefined });
    }
    return places;
  }

  async #memories(): Promise<
    readonly [readonly StoredMemory[], BucketState['memoryHistory'][number][]]
  > {
    const prefix = this.#layout.memories();
    const entries = await this.#list(prefix, (path) => path.endsWith('.json'));
    const read = await this.#readAll(entries, readMemory);
    const history: BucketState['memoryHistory'][number][] = [];
    const present = new Map<string, StoredMemory>();
    for (const one of read) {
      const segments = one.key.slice(prefix.length, -'.json'.length).split('/');
      if (segments[0] !== '_history') {
        const name = memoryKeyOf(this.#layout, one.key);
        const other = present.get(name ?? '');
        if (name === undefined || (other !== undefined && other.modifiedAt > one.modifiedAt))
          continue;
        present.set(name, { ...one, name });
        continue;
      }
      const [, name, leaf, ...deeper] = segments;
      const stamp = parseStampName(`${leaf}.json`);
      if (name === undefined || stamp === undefined || deeper.length > 0) continue;
      history.push({ ...one, name, timeNs: stamp.timeNs });
    }
    return [[...present.values()], history];
  }

  async #artifacts(): Promise<readonly StoredArtifact[]> {
    const prefix = this.#layout.artifacts();
    // Below a step any name may be an artifact's: `__init__.py` is one.
    const isArtifact = (path: string) =>
      path.includes('/') && !path.startsWith('_') && !isCopyName(path);
    const entries = await this.#list(prefix, isArtifact);
    return entries.map(({ key, size, modifiedAt }) => {
      const name = key.slice(prefix.length);
      return { key, name, step: name.slice(0, name.indexOf('/')), size, modifiedAt };
    });
  }

  /** One shallow listing per harness, never a walk over the parts. */
  async #sessions(): Promise<readonly StoredSession[]> {
    const prefix = `${this.#layout.root}sessions/`;
    const harnesses = (await this.#folders(prefix)).filter(isName);
    const places = await inParallel(harnesses, async (harness) => {
      const folder = this.#layout.sessions(harness);
      return (await this.#folders(folder)).map((id) => ({
        harness,
        folder: `${folder}${id}/`,
        id,
      }));
    });
    return inParallel(places.flat(), async ({ harness, folder, id }) => ({
      harness,
      id: decodeId(id),
      meta: await this.#readOne(`${folder}meta.json`, as(metaSchema), undefined),
    }));
  }

  async #folders(prefix: string): Promise<string[]> {
    const names: string[] = [];
    for await (const entry of this.#bucket.list(prefix, { delimiter: '/' })) {
      if (entry.kind === 'prefix') names.push(entry.prefix.slice(prefix.length, -1));
    }
    return names;
  }

  async #list(
    prefix: string,
    isWanted: (path: string) => boolean = () => true,
  ): Promise<readonly ObjectEntry[]> {
    const entries: ObjectEntry[] = [];
    for await (const entry of this.#bucket.list(prefix)) {
      if (entry.kind === 'object' && isWanted(entry.key.slice(prefix.length))) entries.push(entry);
    }
    return entries;
  }

  async #readAll<Document>(
    entries: readonly ObjectEntry[],
    parse: Parse<Document>,
  ): Promise<readonly Read<Document>[]> {
    const read = await inParallel(entries, (entry) => this.#readOne(entry.key, parse, entry));
    return read.filter((one) => one !== undefined);
  }

  /** `undefined` if it is gone or its content does not match its key. */
  async #readOne<Document>(
    key: string,
    parse: Parse<Document>,
    listed: ObjectEntry | undefined,
    withBody = false,
  ): Promise<(Read<Document> & { readonly body: Buffer | undefined }) | undefined> {
    const known = this.#known.get(key);
    const remembered =
      known !== undefined && isSame(known, key, listed)
        ? known
        : await this.#fetch(key, parse, withBody);
    if (remembered === undefined) return undefined;
    if (this.#remembers) this.#next.set(key, remembered);
    // The same parser always reads a given key.
    const result = remembered.result as Read<Document> | DocumentError;
    if (!(result instanceof DocumentError)) return { ...result, body: remembered.body };
    this.#skipped.push(result);
    return undefined;
  }

  async #fetch<Document>(
    key: string,
    parse: Parse<Document>,
    withBody: boolean,
  ): Promise<Remembered | undefined> {
    const stored = await this.#bucket.get(key);
    if (stored === undefined) return undefined;
    const { modifiedAt, size } = stored;
    const seen = {
      modifiedMs: modifiedAt.getTime(),
      size,
      body: withBody ? stored.body : undefined,
    };
    try {
      return { ...seen, result: { key, modifiedAt, document: parse(key, stored.body) } };
    } catch (error) {
      if (error instanceof DocumentError) return { ...seen, result: error };
      throw error;
    }
  }
}

function isSame(known: Remembered, key: string, listed: ObjectEntry | undefined): boolean {
  if (isImmutable(key) && listed === undefined) return true;
  if (known.modifiedMs !== listed?.modifiedAt.getTime() || known.size !== listed.size) return false;
  // Two writes in the same second look alike where a store's times have whole seconds.
  return isImmutable(key) || known.modifiedMs % 1000 !== 0;
}

/** An object whose key is never reused. */
function isImmutable(key: string): boolean {
  return parseStampName(key.slice(key.lastIndexOf('/') + 1)) !== undefined;
}

/** Keeps no more of a value than a timeline entry can show: a run may have many, of any size. */
function readMemory(key: string, body: Buffer): MemoryDocument {
  const document = parseMemory(key, body);
  return { ...document, value: shortValue(document.value) };
}

function shortMail(document: MailDocument): MailDocument {
  return { ...document, message: cut(document.message) };
}

function isStepObject(path: string): boolean {
  const [step = '', leaf = '', ...deeper] = path.split('/');
  if (deeper.length > 0 || !isName(step) || stepId(step) !== step) return false;
  return ['claim.json', 'status.json', 'handoff.json'].includes(leaf);
}

function mailPlace(path: string): Omit<MailPlace, 'key'> | undefined {
  const [box = '', leaf = '', ...deeper] = path.split('/');
  const stamp = parseStampName(leaf);
  if (stamp === undefined || deeper.length > 0) return undefined;
  if (box !== '_broadcast' && !isName(box)) return undefined;
  return { to: box === '_broadcast' ? null : box, from: stamp.agent, timeNs: stamp.timeNs };
}
