import { leadingSets, repeatsOf } from './expression.js';
import { parseExpression } from './parser.js';

const longestText = 48 * 1024;
/** CPU time allowed for one text of that length; a harmless pattern needs a thousandth of it. */
const mostMilliseconds = 60;

/**
 * Whether the pattern stays fast on texts made of what it repeats. Lengths grow step by step, so
 * that even an exponential pattern is detected before it takes long.
 */
export function probe(source: string): boolean {
  const expression = new RegExp(source, 'g');
  return unitsOf(source).every((unit) => isFastOn(expression, unit));
}

/**
 * Texts that are costly for it when repeated: one byte of each set it repeats, its beginning, and
 * both together.
 */
function unitsOf(source: string): readonly string[] {
  const structure = parseExpression(source);
  const repeated = repeatsOf(structure).map((repeat) => sample(leadingSets(repeat.item, 8)));
  const beginning = sample(leadingSets(structure, 64));
  const all = [
    beginning,
    ...repeated,
    ...repeated.map((unit) => beginning + unit),
    repeated.join(''),
  ];
  return [...new Set(all)].filter((unit) => unit !== '').slice(0, 24);
}

function sample(sets: readonly Uint8Array[]): string {
  return sets.map((set) => String.fromCharCode(preferred(set))).join('');
}

/** A letter or digit if the set has one: several sets then share it, which is the worst case. */
function preferred(set: Uint8Array): number {
  for (const byte of Buffer.from('a0A-_. ', 'latin1')) {
    if (set[byte] === 1) return byte;
  }
  return Math.max(0, set.indexOf(1));
}

function isFastOn(expression: RegExp, unit: string): boolean {
  for (let length = 8; length <= longestText; length = nextLength(length)) {
    const text = `${unit.repeat(Math.ceil(length / unit.length))}\x00`;
    const before = process.cpuUsage();
    expression.lastIndex = 0;
    let found = expression.exec(text);
    while (found !== null && expression.lastIndex < text.length) {
      if (found[0] === '') expression.lastIndex += 1;
      found = expression.exec(text);
    }
    const used = process.cpuUsage(before);
    if ((used.user + used.system) / 1000 > mostMilliseconds) return false;
  }
  return true;
}

/** The first steps are so small that even time doubling with every byte shows before it hurts. */
function nextLength(length: number): number {
  return length < 64 ? length + 2 : Math.ceil(length * 1.3);
}
