import { text } from '../../../src/conversation/fields.js';
import type { Piece } from '../../../src/conversation/row.js';

/** Colours and the like, of which a command's output is full. */
const escapes = /\p{Cc}\[[0-9;?]*[ -/]*[@-~]/gu;
const commandTags = /^\s*<(?:command-name|command-message|command-args|bash-input)>/;
const outputTag = /^\s*<(local-command-stdout|local-command-stderr|bash-stdout|bash-stderr)>/;
const interruption = /^\[Request interrupted\b/;
const hookReminder =
  /^<system-reminder>\s*[\w:.-]+ hook (?:additional context|success|blocking error|feedback|error|stopped|cancelled)/i;
/** What editors and Claude Code put before a prompt; a tag without `-` or `_` may be anybody's. */
const envelope = /^\s*<([a-z]+(?:[-_][a-z]+)+)(?:\s[^>]*)?>[\s\S]*?<\/\1>\s*/i;

/**
 * What a text of tags in the user's name stands for: a command or its output, a task's end, an interruption, what a hook added.
 * Nothing for what only the model is told; `undefined` for words.
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

/** A prompt's own words: whole tags at its head are somebody else's. */
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
