import { isDeepStrictEqual } from 'node:util';
import type { IsOurs, Wanted } from '../../watchers/setup.js';
import { UsageError } from '../errors.js';
import { inserted, type SettingsFormat } from './insertion.js';

/** A settings file's text and what should be in it. */
export interface Subject {
  readonly format: SettingsFormat;
  /** For messages. */
  readonly path: string;
  readonly wanted: readonly Wanted[];
  readonly isOurs: IsOurs;
}

interface Edited {
  readonly text: string;
  /** What was inserted, in order: removing it in reverse restores the text. */
  readonly insertions: readonly string[];
}

const most = 1_000;
/** Setup itself never inserts text in more places than this. */
const mostPlaces = 6;

/** Inserts what is missing. The parser proves that nothing else changed; otherwise `UsageError`. */
export function putIn(subject: Subject, text: string): Edited {
  const { format, path, wanted } = subject;
  const insertions: string[] = [];
  let current = text;
  // Reports what is unusable by line, as its owner sees it.
  for (const one of wanted) format.places(text, path, one);
  // Each goes to the front, so the last is inserted first.
  for (const one of wanted.toReversed()) {
    if (has(format.parse(current, path), one)) continue;
    const place = format
      .places(current, path, one)
      .find((candidate) => isRight(subject, current, inserted(current, candidate), one));
    if (place === undefined) throw cannotEdit(path, 'add the hook');
    insertions.push(place.text);
    current = inserted(current, place);
  }
  return { text: current, insertions };
}

/**
 * Removes everything of ours: the exact inserted bytes or, if they were edited since, what the parser identifies as
 * ours.
 */
export function takeOut(subject: Subject, text: string, insertions: readonly string[]): string {
  for (const plain of withoutTexts(text, insertions)) {
    if (isClean(subject, text, plain)) return plain;
  }
  let current = text;
  for (let count = 0; count < most; count += 1) {
    const next = subject.format.without(current, subject.path, subject.wanted, subject.isOurs);
    if (next === undefined) return withoutEmpty(subject, current, insertions);
    if (!isSameBesides(subject, current, next)) break;
    current = next;
  }
  throw cannotEdit(subject.path, 'remove the hook');
}

/** The scaffolding setup put around its own, unless something else was added to it. */
function withoutEmpty(subject: Subject, text: string, insertions: readonly string[]): string {
  const { format, path } = subject;
  let current = text;
  for (const { path: way, name } of subject.wanted) {
    for (let depth = way.length; depth > 0; depth -= 1) {
      const [parent, key] = [way.slice(0, depth - 1), way[depth - 1] ?? ''];
      const isList = depth === way.length && name === undefined;
      if (!insertions.some((one) => isMadeIn(one, key, isList))) continue;
      const container = { path: parent, name: key, value: {} };
      const next = format.without(current, path, [container], (_way, _name, value) =>
        isHollow(value),
      );
      if (next !== undefined && isSameBesides(subject, current, next)) current = next;
    }
  }
  return current;
}

function isMadeIn(insertion: string, key: string, isList: boolean): boolean {
  const json = isList ? '\\[' : '\\{';
  return new RegExp(`(?:^|[\\s{,])(?:"${key}":\\s*${json}|${key}:\\s*(?:\\n|${json}))`).test(
    insertion,
  );
}

function isHollow(value: unknown): boolean {
  return value === null || (typeof value === 'object' && Object.keys(value).length === 0);
}

/** Recorded insertions that are still in the text. */
export function stillThere(text: string, insertions: readonly string[]): readonly string[] {
  for (const _ of withoutTexts(text, insertions)) return insertions;
  const kept: string[] = [];
  let current = text;
  for (const one of insertions.toReversed()) {
    const offset = current.indexOf(one);
    if (offset < 0) continue;
    kept.unshift(one);
    current = cutAt(current, offset, one);
  }
  return kept;
}

/** Every way to remove these texts, last one first: the same text may occur several times, nested even. */
function* withoutTexts(text: string, insertions: readonly string[]): Generator<string> {
  const one = insertions.at(-1);
  if (one === undefined) {
    yield text;
    return;
  }
  const rest = insertions.slice(0, -1);
  let offset = text.indexOf(one);
  for (let count = 0; offset >= 0 && count < mostPlaces; count += 1) {
    yield* withoutTexts(cutAt(text, offset, one), rest);
    offset = text.indexOf(one, offset + 1);
  }
}

function cutAt(text: string, offset: number, { length }: string): string {
  return text.slice(0, offset) + text.slice(offset + length);
}

function isRight(subject: Subject, before: string, after: string, wanted: Wanted): boolean {
  return isSameBesides(subject, before, after) && has(parsed(subject, after), wanted);
}

function isClean(subject: Subject, before: string, after: string): boolean {
  const { format, path, wanted, isOurs } = subject;
  if (!isSameBesides(subject, before, after)) return false;
  return format.without(after, path, wanted, isOurs) === undefined;
}

/** Whether two texts say the same apart from what is ours. */
function isSameBesides(subject: Subject, before: string, after: string): boolean {
  const one = parsed(subject, before);
  const other = parsed(subject, after);
  if (one === unreadable || other === unreadable) return false;
  return isDeepStrictEqual(stripped(subject, one), stripped(subject, other));
}

const unreadable = Symbol('unreadable');

function parsed({ format, path }: Subject, text: string): unknown {
  try {
    return format.parse(text, path);
  } catch {
    return unreadable;
  }
}

/** A value without what is ours, and without what that leaves empty. */
function stripped({ wanted, isOurs }: Subject, value: unknown): unknown {
  const paths = [...new Set(wanted.map(({ path }) => path.join('\n')))].map((one) =>
    one.split('\n'),
  );
  const names = new Set(wanted.map(({ name }) => name));
  const strip = (node: unknown, path: readonly string[]): unknown => {
    const isOnWay = paths.some((one) => path.every((key, index) => one[index] === key));
    if (!isOnWay) return node;
    const isEnd = paths.some((one) => one.length === path.length);
    if (Array.isArray(node)) {
      const rest = isEnd ? node.filter((one) => !isOurs(path, undefined, one)) : node;
      return rest.length === 0 ? undefined : rest;
    }
    if (typeof node !== 'object' || node === null) return node ?? undefined;
    const entries = Object.entries(node)
      .filter(([name, one]) => !(isEnd && names.has(name) && isOurs(path, name, one)))
      .map(([name, one]): [string, unknown] => [name, strip(one, [...path, name])])
      .filter(([, one]) => one !== undefined);
    return entries.length === 0 ? undefined : new Map(entries);
  };
  return strip(value, []);
}

function has(value: unknown, { path, name, value: wanted }: Wanted): boolean {
  let node = value;
  for (const key of path) {
    if (typeof node !== 'object' || node === null) return false;
    node = Reflect.get(node, key);
  }
  if (typeof node !== 'object' || node === null) return false;
  if (name !== undefined) return Object.hasOwn(node, name);
  return Array.isArray(node) && node.some((one) => isDeepStrictEqual(one, wanted));
}

function cannotEdit(path: string, what: string): UsageError {
  return new UsageError(`cannot ${what} in ${path} without changing something else`, {
    hint: 'Nothing was changed. Edit it by hand; "tracecraft setup HARNESS --snippet" shows what belongs there.',
  });
}
