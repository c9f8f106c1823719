import type { Alphabet } from '../alphabet.js';

/**
 * The structure of a regular expression: its beginning, its end, and its unbounded parts. Supports
 * the subset of JavaScript's syntax that patterns for secrets need; bytes, not code points.
 */
export type Expression = SetNode | AssertionNode | SequenceNode | ChoiceNode | RepeatNode;

export interface SetNode {
  readonly type: 'set';
  readonly set: Alphabet;
}

/** Takes no bytes: `^`, `\b`, look-ahead, look-behind. */
export interface AssertionNode {
  readonly type: 'assertion';
  /** What a look-ahead looks for. */
  readonly ahead?: Expression;
}

export interface SequenceNode {
  readonly type: 'sequence';
  readonly items: readonly Expression[];
}

export interface ChoiceNode {
  readonly type: 'choice';
  readonly options: readonly Expression[];
}

export interface RepeatNode {
  readonly type: 'repeat';
  readonly item: Expression;
  readonly least: number;
  /** Infinity if the source sets no limit. */
  readonly most: number;
  /** Position of the quantifier in the source, without a `?` that makes it lazy. */
  readonly start: number;
  readonly end: number;
}

/** Says in plain words why a pattern cannot be used. */
export class ExpressionError extends Error {}

export interface Width {
  readonly least: number;
  readonly most: number;
}

/** The fewest and most bytes a match can have. */
export function widthOf(node: Expression): Width {
  switch (node.type) {
    case 'set':
      return { least: 1, most: 1 };
    case 'assertion':
      return { least: 0, most: 0 };
    case 'sequence':
      return node.items.map(widthOf).reduce((sum, width) => add(sum, width), { least: 0, most: 0 });
    case 'choice': {
      const widths = node.options.map(widthOf);
      return {
        least: Math.min(...widths.map((width) => width.least)),
        most: Math.max(...widths.map((width) => width.most)),
      };
    }
    case 'repeat': {
      const width = widthOf(node.item);
      const most = node.most === 0 || width.most === 0 ? 0 : node.most * width.most;
      return { least: node.least * width.least, most };
    }
  }
}

/** The most bytes after its start that matching may look at, the end of the text among them. */
export function sightOf(node: Expression): number {
  return widthOf(node).most + aheadOf(node) + 1;
}

function aheadOf(node: Expression): number {
  switch (node.type) {
    case 'set':
      return 0;
    case 'assertion':
      return node.ahead === undefined ? 0 : sightOf(node.ahead);
    case 'sequence':
      return node.items.reduce((sum, item) => sum + aheadOf(item), 0);
    case 'choice':
      return Math.max(...node.options.map(aheadOf));
    case 'repeat':
      return aheadOf(node.item);
  }
}

function add(left: Width, right: Width): Width {
  return { least: left.least + right.least, most: left.most + right.most };
}

/**
 * The sets of the first bytes of every match, as far as their positions are fixed; at most `count`
 * sets.
 */
export function leadingSets(node: Expression, count: number): readonly Alphabet[] {
  return leading(node, count).sets;
}

interface Leading {
  readonly sets: readonly Alphabet[];
  /**
   * Whether the node ends where the sets end, so that what follows it also has a fixed position.
   */
  readonly isFixed: boolean;
}

function leading(node: Expression, count: number): Leading {
  if (count === 0) return { sets: [], isFixed: false };
  switch (node.type) {
    case 'set':
      return { sets: [node.set], isFixed: true };
    case 'assertion':
      return { sets: [], isFixed: true };
    case 'sequence':
      return leadingOfAll(node.items, count);
    case 'choice':
      return leadingOfAny(node.options.map((option) => leading(option, count)));
    case 'repeat': {
      const copies = new Array<Expression>(Math.min(node.least, count)).fill(node.item);
      const start = leadingOfAll(copies, count);
      return { sets: start.sets, isFixed: start.isFixed && node.least === node.most };
    }
  }
}

function leadingOfAll(items: readonly Expression[], count: number): Leading {
  const sets: Alphabet[] = [];
  for (const item of items) {
    const next = leading(item, count - sets.length);
    sets.push(...next.sets);
    if (!next.isFixed) return { sets, isFixed: false };
  }
  return { sets, isFixed: true };
}

function leadingOfAny(options: readonly Leading[]): Leading {
  const lengths = options.map((option) => option.sets.length);
  const length = Math.min(...lengths);
  const sets: Alphabet[] = [];
  for (let at = 0; at < length; at += 1) {
    const union = new Uint8Array(256);
    for (const option of options) {
      option.sets[at]?.forEach((member, byte) => {
        if (member === 1) union[byte] = 1;
      });
    }
    sets.push(union);
  }
  const isFixed = Math.max(...lengths) === length && options.every((option) => option.isFixed);
  return { sets, isFixed };
}

export interface Tail {
  readonly set: Alphabet;
  /** The number of the set's bytes at the end of a match is variable. */
  readonly isOpen: boolean;
  readonly repeat: RepeatNode;
}

/** The run of one set's bytes at the end of every match; `undefined` if it ends otherwise. */
export function tailOf(node: Expression): Tail | undefined {
  if (node.type === 'sequence') {
    const last = node.items.at(-1);
    return last === undefined ? undefined : tailOf(last);
  }
  if (node.type !== 'repeat' || node.item.type !== 'set') return undefined;
  return { set: node.item.set, isOpen: node.least !== node.most, repeat: node };
}

/** The bytes, in order, at the start of every match. */
export function literalStart(node: Expression): string {
  let literal = '';
  for (const set of leadingSets(node, 64)) {
    const first = set.indexOf(1);
    if (first === -1 || set.indexOf(1, first + 1) !== -1) break;
    literal += String.fromCharCode(first);
  }
  return literal;
}

export function repeatsOf(node: Expression): readonly RepeatNode[] {
  switch (node.type) {
    case 'sequence':
      return node.items.flatMap(repeatsOf);
    case 'choice':
      return node.options.flatMap(repeatsOf);
    case 'repeat':
      return [node, ...repeatsOf(node.item)];
    default:
      return [];
  }
}
