import { Transform } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { escapeTerminal, escapeTerminalBlock, escapeTerminalJson } from '../escape-terminal.js';
import { proseLines } from './prose.js';
import { terminalWidth } from './terminal-width.js';

/** Bumped when a field of any `--json` answer changes meaning; new fields do not count. */
export const jsonSchemaVersion = 1;

/** Whether `--json` is among the flags, i.e. before a `--`. */
export function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end === -1 ? argv : argv.slice(0, end)).includes('--json');
}

/** One line of the answer. Escapes whatever it quotes, so callers need not. */
export function printLine(line: string): void {
  process.stdout.write(`${escapeTerminal(line)}\n`);
}

/** Text of several lines, unchanged except for invisible characters; ends with one newline. */
export function printBlock(text: string): void {
  process.stdout.write(`${escapeTerminalBlock(text).replace(/\n+$/, '')}\n`);
}

/**
 * A line of stored JSON. On a terminal, invisible characters are escaped, which does not change the
 * JSON.
 */
export function printStoredLine(line: Buffer): void {
  if (process.stdout.isTTY !== true) printRaw(line);
  else printRaw(`${escapeTerminalJson(line.toString('utf8').replace(/\n$/, ''))}\n`);
}

/**
 * The stream for text that is printed as it is, except that a terminal gets invisible characters
 * escaped.
 */
export function rawOutput(): NodeJS.WritableStream {
  if (process.stdout.isTTY !== true) return process.stdout;
  const decoder = new StringDecoder('utf8');
  const visible = new Transform({
    transform: (chunk: Buffer, _encoding, done) =>
      done(null, escapeTerminalBlock(decoder.write(chunk))),
    flush: (done) => done(null, escapeTerminalBlock(decoder.end())),
  });
  visible.pipe(process.stdout, { end: false });
  return visible;
}

/** SGR codes for emphasis. */
const styles = { said: '1', quiet: '2', failed: '31' } as const;

/** Whether a terminal takes colour. */
function hasColour(
  env: Readonly<Record<string, string | undefined>> = process.env,
  isTerminal = process.stdout.isTTY === true,
): boolean {
  return isTerminal && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
}

/** A line of the answer, emphasised where there is colour. What it quotes is escaped first. */
export function printStyled(text: string, style: keyof typeof styles | undefined): void {
  process.stdout.write(`${styledText(text, style)}\n`);
}

/** The same without its newline. */
export function styledText(text: string, style: keyof typeof styles | undefined): string {
  const line = escapeTerminal(text.replaceAll('\t', '    '));
  return style !== undefined && hasColour() ? `\u001b[${styles[style]}m${line}\u001b[0m` : line;
}

/** Bytes the user asked for raw. */
export function printRaw(bytes: string | Uint8Array): void {
  process.stdout.write(bytes);
}

/** One JSON value on its own line. */
export function printJson(value: object): void {
  process.stdout.write(`${escapeTerminalJson(JSON.stringify(value))}\n`);
}

/** A sentence of the answer; at a terminal it is broken between words. */
export function sayLine(line: string): void {
  process.stdout.write(prose(line, process.stdout));
}

/** Everything that is not the answer. */
export function noteLine(line: string): void {
  process.stderr.write(prose(line, process.stderr));
}

function prose(line: string, stream: NodeJS.WriteStream): string {
  const lines = proseLines(escapeTerminal(line), terminalWidth(stream));
  return lines.map((one) => `${one}\n`).join('');
}

/** Resolves once all output has left this process, e.g. before recording that it was shown. */
export function flushed(): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write('', () => resolve());
  });
}

/** Rows as aligned lines, two spaces between columns; the last column is not padded. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const shown = rows.map((row) => row.map(escapeTerminal));
  const widths: number[] = [];
  for (const row of shown) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
    });
  }
  return shown.map((row) =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
