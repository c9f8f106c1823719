import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Pair,
  parseAllDocuments,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { IsOurs, SettingValue, Wanted } from '../../watchers/setup.js';
import { UsageError } from '../errors.js';
import { type Insertion, layoutOf, lineAt, type SettingsFormat } from './insertion.js';

/**
 * Single-document YAML. The parser gives positions; we write a few lines of block style, or flow style inside flow
 * style.
 */
export const yamlSettings: SettingsFormat = {
  parse: (text, path) => documentOf(text, path)?.toJS(),
  places: (text, path, wanted) => {
    const document = documentOf(text, path);
    const root = document?.contents;
    if (root === null || root === undefined) return [atEnd(text, wanted)];
    return placed(text, path, root, wanted);
  },
  without: (text, path, wanted, isOurs) => {
    const document = documentOf(text, path);
    return document === undefined ? undefined : withoutOne(text, document, wanted, isOurs);
  },
};

type Ranged = { readonly range?: readonly [number, number, number] | null | undefined };

function documentOf(text: string, path: string): Document.Parsed | undefined {
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) return undefined;
  const [document, second] = documents;
  const error = document?.errors[0] ?? second?.errors[0];
  if (error !== undefined) {
    const line = lineAt(text, error.pos[0]);
    throw refused(`cannot read ${path}:${line}: ${error.message.split('\n')[0] ?? error.code}`);
  }
  if (second !== undefined) throw refused(`cannot use ${path}: it contains several YAML documents`);
  return document;
}

function refused(message: string): UsageError {
  return new UsageError(message, {
    hint: 'Nothing was changed. Correct that and run this again.',
  });
}

function atEnd(text: string, wanted: Wanted): Insertion {
  const { eol, step } = layoutOf(text);
  const gap = text === '' || text.endsWith('\n') ? '' : eol;
  const lines = block(nest(wanted.path, wanted), yamlStep(step));
  return { offset: text.length, text: `${gap}${lines.join(eol)}${eol}` };
}

/** YAML does not allow tabs for indentation. */
function yamlStep(step: string): string {
  return step.startsWith('\t') || step.length > 4 ? '  ' : step;
}

function nest(missing: readonly string[], { name, value }: Wanted): SettingValue {
  const inner: SettingValue = name === undefined ? [value] : { [name]: value };
  return missing.reduceRight<SettingValue>((within, key) => ({ [key]: within }), inner);
}

function placed(text: string, path: string, root: unknown, wanted: Wanted): readonly Insertion[] {
  let node = root;
  for (const [index, key] of wanted.path.entries()) {
    const where = wanted.path.slice(0, index).join('.') || 'it';
    if (!isMap(node)) throw unfit(text, path, node, where, 'a mapping');
    const pair = pairOf(node, key);
    if (pair === undefined) {
      const rest = nest(wanted.path.slice(index + 1), wanted);
      return intoMap(text, node, { [key]: rest }, index === 0, wanted);
    }
    if (isEmpty(pair.value)) {
      return [belowKey(text, pair, nest(wanted.path.slice(index + 1), wanted))];
    }
    node = pair.value;
  }
  const where = wanted.path.join('.');
  if (!isSeq(node)) throw unfit(text, path, node, where, 'a list');
  return [intoSeq(text, node, wanted.value)];
}

function unfit(text: string, path: string, node: unknown, where: string, kind: string): UsageError {
  const line = lineAt(text, startOf(node));
  const what = isAlias(node) ? `${where} is an alias` : `${where} is not ${kind}`;
  return refused(`cannot use ${path}:${line}: ${what}`);
}

function pairOf(map: YAMLMap, key: string): Pair | undefined {
  return map.items.find((pair) => isScalar(pair.key) && pair.key.value === key);
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  return isScalar(value) && value.value === null && (value.source ?? '') === '';
}

function startOf(node: unknown): number {
  return rangeOf(node)?.[0] ?? 0;
}

function rangeOf(node: unknown): readonly [number, number, number] | undefined {
  const range = (node as Ranged | null | undefined)?.range;
  return range ?? undefined;
}

function intoMap(
  text: string,
  map: YAMLMap,
  value: SettingValue,
  isRoot: boolean,
  wanted: Wanted,
): readonly Insertion[] {
  if (map.flow === true) return [intoFlow(text, map, flow(value).slice(2, -2))];
  const first = map.items[0];
  const start = startOf(first?.key);
  const top = afterLineBefore(text, start, map);
  const fronts = [top, lineStart(text, start)].map((offset) =>
    linesAt(text, offset, columnOf(text, start), value),
  );
  if (!isRoot) return fronts;
  // An extra line break would become part of a text that ends there.
  return text.endsWith('\n') ? [atEnd(text, wanted), ...fronts] : fronts;
}

function intoSeq(text: string, seq: YAMLSeq, value: SettingValue): Insertion {
  if (seq.flow === true) return intoFlow(text, seq, flow(value));
  const dash = startOf(seq);
  return linesAt(text, lineStart(text, dash), columnOf(text, dash), [value]);
}

function intoFlow(text: string, node: YAMLMap | YAMLSeq, written: string): Insertion {
  const offset = startOf(node) + 1;
  const isFilled = node.items.length > 0;
  const isOneLine = !/\n/.test(text.slice(offset, startOf(firstOf(node)) || offset));
  return { offset, text: isFilled ? `${written},${isOneLine ? ' ' : ''}` : written };
}

function firstOf(node: YAMLMap | YAMLSeq): unknown {
  return isMap(node) ? node.items[0]?.key : node.items[0];
}

/** Directly below the key's line, leaving the comments that follow it in place. */
function belowKey(text: string, pair: Pair, value: SettingValue): Insertion {
  const key = startOf(pair.key);
  const { eol, step } = layoutOf(text);
  const end = lineEnd(text, rangeOf(pair.key)?.[1] ?? key);
  const indent = columnOf(text, key) + yamlStep(step);
  const lines = block(value, yamlStep(step)).map((line) => `${eol}${indent}${line}`);
  return { offset: end, text: lines.join('') };
}

/** Where the lines of a block mapping start: below its key's line. */
function afterLineBefore(text: string, start: number, map: YAMLMap): number {
  const own = lineStart(text, start);
  let offset = own;
  while (offset > 0) {
    const before = lineStart(text, offset - 1);
    const line = text.slice(before, offset).trim();
    if (line !== '' && !line.startsWith('#')) return offset;
    offset = before;
  }
  return startOf(map) === start ? own : offset;
}

function linesAt(text: string, offset: number, indent: string, value: SettingValue): Insertion {
  const { eol, step } = layoutOf(text);
  const lines = block(value, yamlStep(step)).map((line) => `${indent}${line}${eol}`);
  return { offset, text: lines.join('') };
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}

/** Before the line break, or at the end of the text. */
function lineEnd(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  if (end < 0) return text.length;
  return text[end - 1] === '\r' ? end - 1 : end;
}

function columnOf(text: string, offset: number): string {
  return text.slice(lineStart(text, offset), offset).replaceAll(/[^ ]/g, ' ');
}

function block(value: SettingValue, step: string): readonly string[] {
  if (Array.isArray(value)) {
    return value.flatMap((one: SettingValue) =>
      block(one, step).map((line, index) => `${index === 0 ? '- ' : '  '}${line}`),
    );
  }
  if (typeof value !== 'object') return [JSON.stringify(value)];
  return Object.entries(value).flatMap(([name, one]) =>
    typeof one === 'object'
      ? [`${name}:`, ...block(one, step).map((line) => `${step}${line}`)]
      : [`${name}: ${JSON.stringify(one)}`],
  );
}

function flow(value: SettingValue): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (typeof value !== 'object') return JSON.stringify(value);
  const members = Object.entries(value).map(([name, one]) => `${name}: ${flow(one)}`);
  return `{ ${members.join(', ')} }`;
}

/** Removes one element, by whole lines in block style; the last one takes its key's line along. */
function withoutOne(
  text: string,
  document: Document.Parsed,
  wanted: readonly Wanted[],
  isOurs: IsOurs,
): string | undefined {
  for (const { path, name } of wanted) {
    if (name !== undefined) {
      const cut = withoutPair(text, document, path, name, isOurs);
      if (cut !== undefined) return cut;
      continue;
    }
    const seq = document.getIn(path, true);
    if (!isSeq(seq)) continue;
    const plain: unknown = seq.toJS(document);
    const index = (Array.isArray(plain) ? plain : []).findIndex((one) =>
      isOurs(path, undefined, one),
    );
    if (index < 0) continue;
    return seq.flow === true ? cutFlow(text, seq, index) : cutLines(text, document, path, index);
  }
  return undefined;
}

/** A block-style key whose value is on its own line, or missing. */
function withoutPair(
  text: string,
  document: Document.Parsed,
  path: readonly string[],
  name: string,
  isOurs: IsOurs,
): string | undefined {
  const map = path.length === 0 ? document.contents : document.getIn(path, true);
  if (!isMap(map) || map.flow === true) return undefined;
  const pair = pairOf(map, name);
  if (pair === undefined || !isOurs(path, name, document.getIn([...path, name]) ?? null)) {
    return undefined;
  }
  const start = startOf(pair.key);
  const end = text.indexOf('\n', start);
  return text.slice(0, lineStart(text, start)) + (end < 0 ? '' : text.slice(end + 1));
}

function cutFlow(text: string, seq: YAMLSeq, index: number): string {
  const range = rangeOf(seq.items[index]);
  if (range === undefined) return text;
  const next = seq.items[index + 1];
  const previous = rangeOf(seq.items[index - 1]);
  if (next !== undefined) return text.slice(0, range[0]) + text.slice(startOf(next));
  return text.slice(0, previous?.[1] ?? range[0]) + text.slice(range[1]);
}

function cutLines(
  text: string,
  document: Document.Parsed,
  path: readonly string[],
  index: number,
): string {
  const seq = document.getIn(path, true);
  if (!isSeq(seq)) return text;
  const range = rangeOf(seq.items[index]);
  if (range === undefined) return text;
  const isLast = seq.items.length === 1;
  const map = isLast ? document.getIn(path.slice(0, -1), true) : undefined;
  const pair = isMap(map) ? pairOf(map, path.at(-1) ?? '') : undefined;
  const from = lineStart(text, pair === undefined ? range[0] : startOf(pair.key));
  const newline = text.indexOf('\n', Math.max(range[0], range[1] - 1));
  return text.slice(0, from) + (newline < 0 ? '' : text.slice(newline + 1));
}
