import * as Flags from '@oclif/core/flags';
import { harnessNames } from '../../watchers/names.js';

/** The flags of `session show`: which turns, what of them, and in which form. */
export const showFlags = {
  tail: Flags.integer({
    summary: 'only the last N turns; with --raw, the last N lines',
    min: 0,
    helpValue: 'N',
  }),
  turn: Flags.integer({
    summary: 'only this turn',
    min: 1,
    helpValue: 'N',
    exclusive: ['tail', 'raw'],
  }),
  around: Flags.integer({
    summary: 'only the turn that contains this line',
    min: 0,
    helpValue: 'LINE',
    exclusive: ['tail', 'raw', 'turn'],
  }),
  calls: Flags.boolean({ summary: 'also show the result of each call' }),
  thinking: Flags.boolean({ summary: "also show the model's thinking" }),
  all: Flags.boolean({
    summary:
      'also show what was inherited, abandoned or injected by hooks, the lines of each entry, and how many lines of which kind no turn shows',
  }),
  info: Flags.boolean({
    summary: 'show facts about the session instead: size, host, model, streams',
    exclusive: ['tail', 'raw', 'turn', 'around'],
  }),
  raw: Flags.boolean({
    summary:
      'print only the lines, all or those of --tail, byte for byte as stored (on a terminal, control and invisible characters are escaped)',
  }),
  stream: Flags.string({
    summary: "show another stream of the session, e.g. a sub-agent's, instead of its transcript",
    helpValue: 'NAME',
    default: '',
  }),
  counts: Flags.boolean({
    summary: 'print only the numbers of prompts, answers, calls and so on',
    exclusive: ['tail', 'raw'],
  }),
  markdown: Flags.boolean({
    summary: 'print it as Markdown, for others to read',
    exclusive: ['raw', 'info', 'counts'],
  }),
  output: Flags.string({
    char: 'o',
    summary: 'write it to this file, as an HTML page or with --markdown as Markdown',
    helpValue: 'FILE',
    exclusive: ['raw', 'info', 'counts'],
  }),
  open: Flags.boolean({
    summary: 'open the page in the browser; without -o, it is session-ID.html',
    exclusive: ['markdown', 'raw', 'info', 'counts'],
  }),
  'keep-paths': Flags.boolean({
    summary: 'in what is written for others, leave local paths and names as they are',
  }),
  force: Flags.boolean({ summary: 'replace a file that tracecraft did not write' }),
  harness: Flags.string({ summary: 'only this harness', options: [...harnessNames] }),
};
