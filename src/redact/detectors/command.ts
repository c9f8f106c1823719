import { alphabet, isIn } from '../alphabet.js';
import { type Argument, argumentsFrom } from '../arguments.js';
import { isSamplePassword } from '../assignments/samples.js';
import { isTypedPassword } from '../assignments/typed-password.js';
import { isFreeOnLeft } from '../boundary.js';
import type { Detector, Trigger } from '../detector.js';
import { isRandom, isSequence } from '../entropy.js';
import { isPlaceholder, isReference } from '../placeholders.js';
import type { CommandRule } from '../rule.js';
import { type ScanContext, weights } from '../scan-context.js';

const after = alphabet(' \t"\'\\');
/** A blank, or the comma of a list of strings. */
const parted = /^(?:[ \t]|\\{0,64}["'],[ \t]{0,4}\\{0,64}["'])/;
const lookAhead = 320;

/** Secrets among the arguments of programs known to take one. */
export function commandTriggers(rules: readonly CommandRule[]): readonly Trigger[] {
  return rules.flatMap((rule) => {
    const detector = new CommandDetector(rule);
    return rule.programs.map((literal) => ({
      literal,
      detector: new Program(literal.replace(/ -?$/, '').length, detector),
    }));
  });
}

class Program implements Detector {
  readonly #length: number;
  readonly #detector: CommandDetector;

  constructor(length: number, detector: CommandDetector) {
    this.#length = length;
    this.#detector = detector;
  }

  isWorthwhile(bytes: Buffer, at: number): boolean {
    const end = at + this.#length;
    if (!isIn(after, bytes[end]) || !isFreeOnLeft(bytes, at)) return false;
    const text = bytes.toString('latin1', end, end + lookAhead);
    return parted.test(text) && this.#detector.mayHave(text);
  }

  detect(context: ScanContext, at: number): void {
    this.#detector.detect(context, at + this.#length);
  }
}

class CommandDetector {
  readonly #rule: CommandRule;
  #tells: RegExp | undefined;

  constructor(rule: CommandRule) {
    this.#rule = rule;
  }

  mayHave(text: string): boolean {
    this.#tells ??= anyFlagOf(this.#rule);
    return this.#tells.test(text);
  }

  detect(context: ScanContext, from: number): void {
    const found = argumentsFrom(context.bytes, from);
    context.charge(4 + found.length);
    const line = new CommandLine(context, found);
    const { needs } = this.#rule;
    if (needs !== undefined && !found.some((argument) => needs.test(line.textOf(argument)))) return;
    for (let index = 0; index < found.length; index += 1) this.#readFlag(line, index);
    this.#readArguments(line);
  }

  #readFlag(line: CommandLine, index: number): void {
    const argument = line.at(index);
    if (argument === undefined) return;
    const text = line.textOf(argument);
    // Flags may come as the strings of a list, but a list of nothing but flags is not a command.
    const isListed = argument.isQuoted;
    if (!(isListed ? /^-/ : /^[-/a-z]/).test(text)) return;
    const { flags = [], joined = [], pairs = [], joinedPairs = [] } = this.#rule;
    for (const flag of [...flags, ...pairs]) {
      const value = line.valueOf(index, text, flag);
      if (value !== undefined && (!isListed || isTypedPassword(line.textOf(value))))
        this.#add(line, value, pairs.includes(flag));
    }
    for (const flag of [...joined, ...joinedPairs]) {
      const value = line.joinedTo(index, text, flag);
      if (value !== undefined && (!isListed || isTypedPassword(line.textOf(value))))
        this.#add(line, value, joinedPairs.includes(flag), true);
    }
  }

  #readArguments(line: CommandLine): void {
    const { arguments: wanted = [], separators } = this.#rule;
    if (wanted.length === 0) return;
    const plain = line.positional();
    for (const index of wanted) {
      const value = plain.at(index);
      if (value !== undefined) this.#add(line, value, separators !== undefined);
    }
  }

  #add(line: CommandLine, value: Argument, isPair: boolean, isJoined = false): void {
    const { kind = 'command-password', separators = ':', prefix, isToken = false } = this.#rule;
    let { start } = value;
    const text = line.textOf(value);
    if (isPair) {
      const separator = [...text].findIndex((char) => separators.includes(char));
      if (separator === -1 || /[$<{]/.test(text.slice(0, separator))) return;
      // Without a name a token stands alone; `:8080` does not.
      if (separator === 0 && !isOpaque(text.slice(1))) return;
      const joined = line.behind(value);
      if (separator === text.length - 1 && joined !== undefined) {
        this.#add(line, joined, false, true);
        return;
      }
      start += separator + 1;
    } else if (prefix !== undefined) {
      start += prefix.exec(text)?.[0].length ?? 0;
      if (/^(?:env|file|fd|stdin)\b/.test(text)) return;
    }
    const end = separators === '/' ? withoutHost(line, start, value.end) : value.end;
    const secret = line.text(start, end);
    const isSecret = isToken
      ? isOpaque(secret)
      : isCommandPassword(secret, value.isQuoted || isJoined || isPair);
    if (isSecret) line.add(start, end, kind);
  }
}

/** `secret@host` */
function withoutHost(line: CommandLine, start: number, end: number): number {
  const host = line.text(start, end).lastIndexOf('@');
  return host === -1 ? end : start + host;
}

/** Whether it could be a password. Without quotes a word is more likely prose about the program. */
export function isCommandPassword(text: string, isCertain: boolean): boolean {
  if (text.length < 4 || text.length > 400 || isReference(text) || isPlaceholder(text))
    return false;
  if (
    /^[-$<{[\]),]|[[({]$|^\\|^\d{1,6}(?::\d{1,6})?$|[\n<>]|\\[nrt]/.test(text) ||
    isSamplePassword(text)
  )
    return false;
  if (/^[A-Z][A-Z_]*$/.test(text) || (isSequence(text) && text.length > 4)) return false;
  return isCertain ? /[^.]/.test(text) : !/^[A-Za-z]?[a-z-]*[.,:;!?]?$/.test(text);
}

function isOpaque(text: string): boolean {
  return (
    text.length >= 16 &&
    /^[\x21-\x7e]+$/.test(text) &&
    isRandom(text) &&
    !isReference(text) &&
    !isPlaceholder(text)
  );
}

/** Without flags, any text. */
function anyFlagOf({ flags = [], joined = [], pairs = [], joinedPairs = [] }: CommandRule): RegExp {
  const all = [...flags, ...joined, ...pairs, ...joinedPairs].map(escaped);
  return all.length === 0 ? /(?:)/ : new RegExp(`[\\s"'](?:${all.join('|')})`);
}

function escaped(flag: string): string {
  return flag.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

/** The arguments of one command and what is read from them. */
class CommandLine {
  readonly #context: ScanContext;
  readonly #arguments: readonly Argument[];

  constructor(context: ScanContext, found: readonly Argument[]) {
    this.#context = context;
    this.#arguments = found;
  }

  at(index: number): Argument | undefined {
    return this.#arguments[index];
  }

  text(start: number, end: number): string {
    return this.#context.text(start, end);
  }

  textOf(argument: Argument): string {
    return this.#context.text(argument.start, argument.end);
  }

  /** What follows an argument without a blank: `user:"secret"`. */
  behind(argument: Argument): Argument | undefined {
    const index = this.#arguments.findIndex(({ end }) => end === argument.end);
    const next = this.at(index + 1);
    return index !== -1 && next?.isJoined ? next : undefined;
  }

  /** Arguments that are neither flags nor joined to another. */
  positional(): readonly Argument[] {
    return this.#arguments.filter(
      (argument) => !argument.isJoined && !/^(?:-|\/[a-z]+(?::|$))/i.test(this.textOf(argument)),
    );
  }

  /** `--flag value` and `--flag=value` */
  valueOf(index: number, text: string, flag: string): Argument | undefined {
    if (text === flag) return this.at(index + 1);
    if (!text.startsWith(`${flag}=`)) return undefined;
    return this.#rest(index, flag.length + 1);
  }

  /** `-pVALUE` and `-p"VALUE"` */
  joinedTo(index: number, text: string, flag: string): Argument | undefined {
    return text.startsWith(flag) ? this.#rest(index, flag.length) : undefined;
  }

  #rest(index: number, length: number): Argument | undefined {
    const argument = this.at(index);
    if (argument === undefined) return undefined;
    const start = argument.start + length;
    if (start < argument.end) return { ...argument, start };
    const next = this.at(index + 1);
    return next?.isJoined ? next : undefined;
  }

  add(start: number, end: number, kind: string): void {
    this.#context.add(start, end, kind, weights.context);
  }
}
