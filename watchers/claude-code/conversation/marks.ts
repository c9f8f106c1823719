import { text } from '../../../src/conversation/fields.js';
import type { Piece } from '../../../src/conversation/row.js';

const escapeSign = String.fromCharCode(0x1b);
/** Colours and other escapes, of which a command's output is full. */
const escapes = new RegExp(`${escapeSign}\\[[0-9;?]*[ -/]*[@-~]`, 'g');
const commandTags = /^\s*<(?:command-name|command-message|command-args|bash-input)>/;
const outputTag = /^\s*<(local-command-stdout|local-command-stderr|bash-stdout|bash-stderr)>/;
const interruption = /^\[Request interrupted\b/;
const hookReminder =
  /^<system-reminder>\s*[\w:.-]+ hook (?:additional context|success|blocking error|feedback|error|stopped|cancelled)/i;
/** Tags that editors and Claude Code put before a prompt; a tag without `-` or `_` may be the user's. */
const envelope = /^\s*<([a-z]+(?:[-_][a-z]+)+)(?:\s[^>]*)?>[\s\S]*?<\/\1>\s*/i;

/**
 * What a text of tags in the user's name means: a command or its output, a task's end, an interruption, a hook's
 * addition. Nothing for text meant only for the model; `undefined` for plain words.
 */
export function markedPieces(said: string): readonly Piece[] | undefined {
  if (commandTags.test(said)) return [commandIn(said)];
  if (outputTag.test(said)) return [{ kind: 'output', text: outputIn(said) }];
  if (said.startsWith('<task-notification>')) {
    return [
      { kind: 'notice', notice: 'notification', text: said, ...taskIn(said), isWaking: true },
    ];
  }
  if (interruption.test(said)) return [{ kind: 'notice', notice: 'interruption', text: said }];
  if (hookReminder.test(said)) return [{ kind: 'context', source: 'hook', text: inner(said) }];
  if (said.startsWith('<local-command-caveat>') || said.startsWith('Caveat: The messages below')) {
    return [];
  }
  return undefined;
}

export function taskIn(said: string): { readonly task?: string } {
  const task = tagged(said, 'task-id');
  return task === undefined ? {} : { task };
}

/** A prompt's own words: whole tags before them are not the user's. */
export function withoutEnvelope(said: string): string {
  let rest = said;
  for (let found = envelope.exec(rest); found !== null; found = envelope.exec(rest)) {
    rest = rest.slice(found[0].length);
  }
  return /\S/.test(rest) ? rest : '';
}

function commandIn(said: string): Piece {
  const typed = tagged(said, 'bash-input');
  if (typed !== undefined) return { kind: 'command', name: '!', args: typed, ...outputOf(said) };
  const name = tagged(said, 'command-name') ?? tagged(said, 'command-message') ?? '';
  const args = tagged(said, 'command-args') ?? '';
  return { kind: 'command', name: name.trim(), args: args.trim(), ...outputOf(said) };
}

/** The output may follow in the same text. */
function outputOf(said: string): { readonly output?: string } {
  const output = outputIn(said);
  return output === '' ? {} : { output };
}

function outputIn(said: string): string {
  const names = ['local-command-stdout', 'local-command-stderr', 'bash-stdout', 'bash-stderr'];
  const found = names.map((name) => text(tagged(said, name)));
  return found
    .filter((one) => one !== undefined)
    .join('\n')
    .replace(escapes, '');
}

function tagged(said: string, name: string): string | undefined {
  const start = said.indexOf(`<${name}>`);
  if (start === -1) return undefined;
  const end = said.indexOf(`</${name}>`, start);
  return said.slice(start + name.length + 2, end === -1 ? undefined : end);
}

function inner(said: string): string {
  return said.replace(/^<system-reminder>\s*/, '').replace(/\s*<\/system-reminder>\s*$/, '');
}
