import {
  type ArrayNode,
  type DocumentNode,
  evaluate,
  type ObjectNode,
  parse,
  type ValueNode,
} from '@humanwhocodes/momoa';
import type { IsOurs, SettingValue, Wanted } from '../../watchers/setup.js';
import { messageOf, UsageError } from '../errors.js';
import { type Insertion, layoutOf, type SettingsFormat } from './insertion.js';

/** JSON with comments and trailing commas, or JSON5; strict JSON is both. */
export function jsonSettings(mode: 'jsonc' | 'json5'): SettingsFormat {
  const documentOf = (text: string, path: string): DocumentNode | undefined => {
    if (text.trim() === '') return undefined;
    try {
      return parse(text, { mode, ranges: true, allowTrailingCommas: true });
    } catch (error) {
      throw malformed(path, error);
    }
  };
  return {
    parse: (text, path) => {
      const document = documentOf(text, path);
      return document === undefined ? undefined : evaluate(document);
    },
    places: (text, path, wanted) => {
      const document = documentOf(text, path);
      return [
        document === undefined ? whole(text, wanted) : placed(text, path, document.body, wanted),
      ];
    },
    without: (text, path, wanted, isOurs) => {
      const document = documentOf(text, path);
      return document === undefined ? undefined : withoutOne(text, document.body, wanted, isOurs);
    },
  };
}

function malformed(path: string, error: unknown): UsageError {
  const line: unknown = Reflect.get(Object(error), 'line');
  const message = messageOf(error);
  const place = typeof line === 'number' ? `${path}:${line}` : path;
  return new UsageError(`cannot read ${place}: ${message}`, {
    hint: 'Nothing was changed. Correct that line and run this again.',
    cause: error,
  });
}

function whole(text: string, wanted: Wanted): Insertion {
  const { eol, step } = layoutOf(text);
  const nested = nest(wanted.path, wanted);
  return { offset: text.length, text: `${render(nested, { eol, step, indent: '' })}${eol}` };
}

/** The value, wrapped in everything missing around it. */
function nest(missing: readonly string[], { name, value }: Wanted): SettingValue {
  const inner: SettingValue = name === undefined ? [value] : { [name]: value };
  return missing.reduceRight<SettingValue>((within, key) => ({ [key]: within }), inner);
}

function memberOf(node: ObjectNode, name: string): ValueNode | undefined {
  return node.members.findLast(({ name: key }) => keyOf(key) === name)?.value;
}

function keyOf(key: ObjectNode['members'][number]['name']): string {
  return key.type === 'String' ? key.value : key.name;
}

interface FoundSetting {
  readonly node: ValueNode;
  readonly missing: readonly string[];
}

function descend(root: ValueNode, path: readonly string[]): FoundSetting {
  let node = root;
  for (const [index, key] of path.entries()) {
    const next = node.type === 'Object' ? memberOf(node, key) : undefined;
    if (next === undefined) return { node, missing: path.slice(index) };
    node = next;
  }
  return { node, missing: [] };
}

/** At the front, so a diff shows only added lines, and every comment stays with what it describes. */
function placed(text: string, path: string, root: ValueNode, wanted: Wanted): Insertion {
  const { node, missing } = descend(root, wanted.path);
  const [key, ...deeper] = missing;
  if (node.type === 'Object' && (key !== undefined || wanted.name !== undefined)) {
    const name = key ?? wanted.name ?? '';
    const value = key === undefined ? wanted.value : nest(deeper, wanted);
    return front(text, node, `${JSON.stringify(name)}: `, value);
  }
  if (node.type === 'Array' && key === undefined && wanted.name === undefined) {
    return front(text, node, '', wanted.value);
  }
  const place = wanted.path.slice(0, wanted.path.length - missing.length).join('.') || 'it';
  const kind = key === undefined && wanted.name === undefined ? 'a list' : 'an object';
  throw new UsageError(`cannot use ${path}:${startLine(node)}: ${place} is not ${kind}`, {
    hint: 'Nothing was changed. Correct that line and run this again.',
  });
}

function startLine(node: ValueNode): number {
  return node.loc.start.line;
}

function front(
  text: string,
  node: ObjectNode | ArrayNode,
  label: string,
  value: SettingValue,
): Insertion {
  const { eol, step } = layoutOf(text);
  const open = node.loc.start.offset + 1;
  const children = node.type === 'Object' ? node.members : node.elements;
  const first = children[0];
  const isOneLine = first !== undefined && first.loc.start.line === node.loc.start.line;
  if (first !== undefined && isOneLine) {
    const gap = /^[ \t]*/.exec(text.slice(open))?.[0] ?? '';
    const after = gap === '' ? ' ' : '';
    return { offset: open, text: `${gap}${label}${inline(value)},${after}` };
  }
  const own = indentAt(text, node.loc.start.offset);
  if (first === undefined) {
    const indent = own + step;
    const rest = text.slice(open, node.loc.end.offset - 1);
    const close = /^[^\S\n]*$/.test(rest) ? `${eol}${own}` : '';
    const written = render(value, { eol, step, indent });
    return { offset: open, text: `${eol}${indent}${label}${written}${close}` };
  }
  const indent = indentAt(text, first.loc.start.offset);
  const written = render(value, { eol, step, indent });
  const offset = endOfOpening(text, open, first.loc.start.offset);
  return { offset, text: `${eol}${indent}${label}${written},` };
}

/** After a comment on the bracket's own line, which describes the bracket. */
function endOfOpening(text: string, open: number, first: number): number {
  const rest = text.slice(open, first);
  const line = /^[^\S\r\n]*(?:\/\/[^\r\n]*)?(?=\r?\n)/.exec(rest)?.[0];
  return line === undefined ? open : open + line.length;
}

function indentAt(text: string, offset: number): string {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  return /^[ \t]*/.exec(text.slice(start, offset))?.[0] ?? '';
}

interface Rendering {
  readonly eol: string;
  readonly step: string;
  readonly indent: string;
}

function render(value: SettingValue, { eol, step, indent }: Rendering): string {
  return JSON.stringify(value, null, step).replaceAll('\n', `${eol}${indent}`);
}

function inline(value: SettingValue): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`;
  if (typeof value !== 'object') return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([name, one]) => `${JSON.stringify(name)}: ${inline(one)}`,
  );
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}

/** Removes one element or member, and the containers of ours it leaves empty. */
function withoutOne(
  text: string,
  root: ValueNode,
  wanted: readonly Wanted[],
  isOurs: IsOurs,
): string | undefined {
  for (const { path, name } of wanted) {
    const { node, missing } = descend(root, path);
    if (missing.length > 0) continue;
    if (name !== undefined && node.type === 'Object') {
      const index = node.members.findIndex(
        (one) => keyOf(one.name) === name && isOurs(path, name, evaluate(one.value)),
      );
      if (index >= 0) return cut(text, node, index);
    }
    if (name === undefined && node.type === 'Array') {
      const index = node.elements.findIndex((one) => isOurs(path, undefined, evaluate(one.value)));
      if (index >= 0) return cut(text, node, index);
    }
  }
  return undefined;
}

function cut(text: string, node: ObjectNode | ArrayNode, index: number): string {
  const children = node.type === 'Object' ? node.members : node.elements;
  const child = children[index];
  if (child === undefined) return text;
  const before = children[index - 1]?.loc.end.offset ?? node.loc.start.offset + 1;
  const after = children[index + 1];
  const { start, end } = child.loc;
  if (after !== undefined) {
    // Up to the following comma, plus the line it was on.
    const comma = end.offset + commaAt(text.slice(end.offset, after.loc.start.offset));
    return text.slice(0, lineStart(text, before, start.offset)) + text.slice(comma + 1);
  }
  const trailing = commaAt(text.slice(end.offset, node.loc.end.offset - 1));
  const until = trailing < 0 ? end.offset : end.offset + trailing + 1;
  if (index === 0 || trailing >= 0) {
    return text.slice(0, lineStart(text, before, start.offset)) + text.slice(until);
  }
  const comma = before + commaAt(text.slice(before, start.offset));
  const kept = text.slice(comma + 1, start.offset).trimEnd();
  return text.slice(0, comma) + kept + text.slice(until);
}

function lineStart(text: string, from: number, start: number): number {
  const blank = /\r?\n?[ \t]*$/.exec(text.slice(from, start))?.[0].length ?? 0;
  return start - blank;
}

/** The first comma outside comments. */
function commaAt(text: string): number {
  const blanked = text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\r\n]*/g, (comment) =>
    ' '.repeat(comment.length),
  );
  return blanked.indexOf(',');
}
