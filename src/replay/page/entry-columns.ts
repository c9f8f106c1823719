import type { TimelineEntry } from '../timeline/entry.js';
import type { LinkedEntry } from '../timeline/tool-call-links.js';
import type { EntryColumns } from './data.js';

/** Bytes of text kept in one piece. */
const pieceBytes = 256 * 1024;
/** Numbers written as one piece. */
const pieceNumbers = 16_384;

/**
 * The entries of a page: events in key order, then the derived ones. There may be very many, so they are held as
 * numbers and bytes, and emitted as pieces of JSON.
 */
export class EntryRows {
  readonly #names = new Names();
  readonly #sessions = new Names();
  readonly #timeNs = new GrowingColumn((length) => new BigInt64Array(length));
  readonly #type = new GrowingColumn((length) => new Int32Array(length));
  readonly #agent = new GrowingColumn((length) => new Int32Array(length));
  readonly #step = new GrowingColumn((length) => new Int32Array(length));
  readonly #to = new GrowingColumn((length) => new Int32Array(length));
  readonly #session = new GrowingColumn((length) => new Int32Array(length));
  readonly #text = new TextColumn();
  /** Timeline positions of the derived entries, in order. */
  readonly #derived: number[] = [];

  get count(): number {
    return this.#timeNs.length;
  }

  get #recorded(): number {
    return this.count - this.#derived.length;
  }

  add({ timeNs, type, agent, step, to, sessionId, text }: TimelineEntry): void {
    this.#timeNs.push(timeNs < latestNs ? timeNs : latestNs);
    this.#type.push(this.#names.number(type));
    this.#agent.push(this.#names.number(agent));
    this.#step.push(this.#names.number(step));
    this.#to.push(this.#names.number(to));
    this.#session.push(this.#sessions.number(sessionId));
    this.#text.push(text);
  }

  /** After all events, and in order. `eventsPrefix` is what the keys of events start with. */
  addDerived(entry: TimelineEntry, eventsPrefix: string): void {
    const timeNs = entry.timeNs < latestNs ? entry.timeNs : latestNs;
    const isAfterEqual = entry.key > eventsPrefix;
    let [low, high] = [0, this.#recorded];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = this.#timeNs.at(middle) ?? 0n;
      if (at < timeNs || (at === timeNs && isAfterEqual)) low = middle + 1;
      else high = middle;
    }
    this.add(entry);
    this.#derived.push(low + this.#derived.length);
  }

  /** In timeline order. */
  *inOrder(): Generator<LinkedEntry & { readonly to: string | null }> {
    for (const row of this.#rows()) {
      yield {
        timeNs: this.#timeNs.at(row) ?? 0n,
        type: this.#names.at(this.#type.at(row)) ?? '',
        agent: this.#names.at(this.#agent.at(row)),
        step: this.#names.at(this.#step.at(row)),
        to: this.#names.at(this.#to.at(row)),
        sessionId: this.#sessions.at(this.#session.at(row)),
      };
    }
  }

  *#rows(): Generator<number> {
    const recorded = this.#recorded;
    let [event, derived] = [0, 0];
    for (let place = 0; place < this.count; place += 1) {
      if (this.#derived[derived] === place) yield recorded + derived++;
      else yield event++;
    }
  }

  /** `EntryColumns` as JSON, piece by piece. */
  *json(causes: EntryColumns['causes']): Generator<string | Uint8Array> {
    const { names, timeMs, text, ...numbers } = {
      names: JSON.stringify(this.#names.all),
      timeMs: this.#timeNs.pieces((timeNs) => Number(timeNs / 1000n) / 1000),
      type: this.#type.pieces(),
      agent: this.#agent.pieces(),
      step: this.#step.pieces(),
      to: this.#to.pieces(),
      text: this.#text.pieces(),
    };
    yield `{"names":${names},"timeMs":[`;
    yield* timeMs;
    for (const [name, pieces] of Object.entries(numbers)) {
      yield `],"${name}":[`;
      yield* pieces;
    }
    yield '],"text":[';
    yield* text;
    yield `],"derived":${JSON.stringify(this.#derived)},"causes":${JSON.stringify(causes)}}`;
  }
}

/** The latest time a column can hold: in the year 2262. */
const latestNs = 2n ** 63n - 1n;

class Names {
  readonly #numbers = new Map<string, number>();
  readonly #all: string[] = [];

  get all(): readonly string[] {
    return this.#all;
  }

  /** -1 for `null`. */
  number(name: string | null): number {
    if (name === null) return -1;
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    this.#numbers.set(name, this.#all.length);
    return this.#all.push(name) - 1;
  }

  at(number: number | undefined): string | null {
    return this.#all[number ?? -1] ?? null;
  }
}

interface NumberArray<Value> {
  readonly length: number;
  [index: number]: Value;
  set(from: NumberArray<Value>): void;
}

class GrowingColumn<Value extends number | bigint> {
  readonly #make: (length: number) => NumberArray<Value>;
  #values: NumberArray<Value>;
  #length = 0;

  constructor(make: (length: number) => NumberArray<Value>) {
    this.#make = make;
    this.#values = make(1_024);
  }

  get length(): number {
    return this.#length;
  }

  at(index: number): Value | undefined {
    return index < this.#length ? this.#values[index] : undefined;
  }

  push(value: Value): void {
    if (this.#length === this.#values.length) {
      const longer = this.#make(2 * this.#length);
      longer.set(this.#values);
      this.#values = longer;
    }
    this.#values[this.#length] = value;
    this.#length += 1;
  }

  *pieces(shown: (value: Value) => Value | number = (value) => value): Generator<string> {
    let piece: string[] = [];
    for (let index = 0; index < this.#length; index += 1) {
      const value = this.#values[index];
      if (value !== undefined) piece.push(String(shown(value)));
      const isLast = index === this.#length - 1;
      if (!isLast && piece.length < pieceNumbers) continue;
      yield isLast ? piece.join(',') : `${piece.join(',')},`;
      piece = [];
    }
  }
}

/** Strings in their final JSON form. */
class TextColumn {
  readonly #full: Buffer[] = [];
  #open = Buffer.allocUnsafe(pieceBytes);
  #used = 0;
  #isFirst = true;

  push(text: string): void {
    const json = `${this.#isFirst ? '' : ','}${JSON.stringify(text)}`;
    this.#isFirst = false;
    const bytes = Buffer.byteLength(json);
    if (this.#used + bytes > this.#open.length) {
      this.#full.push(this.#open.subarray(0, this.#used));
      this.#open = Buffer.allocUnsafe(Math.max(pieceBytes, bytes));
      this.#used = 0;
    }
    this.#used += this.#open.write(json, this.#used);
  }

  *pieces(): Generator<Uint8Array> {
    yield* this.#full;
    yield this.#open.subarray(0, this.#used);
  }
}
