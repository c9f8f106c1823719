import { harnessNames } from '../../../watchers/names.js';
import type { CommandManual } from './commands.js';

interface CommandGroup {
  readonly title: string;
  readonly commands: readonly CommandManual[];
}

/** Tasks, each with its commands in the order a user meets them. Commands that do not exist are skipped. */
const titles: readonly (readonly [title: string, names: readonly string[]])[] = [
  [
    'Set up',
    [
      'init',
      'trust',
      'doctor',
      'service install',
      'service status',
      'service uninstall',
      'setup',
      ...harnessNames.map((name) => `setup ${name}`),
      'completion',
    ],
  ],
  [
    'Mirror',
    [
      'watch',
      'session mirror',
      'session list',
      'session show',
      'search',
      'search index',
      'usage',
      'export',
      'session stop',
      'session verify',
      'session restore',
      'session brief',
      'session remove',
      'session compact',
      'session refresh',
      'hook',
      'redact',
      'redact scan',
    ],
  ],
  [
    'Coordinate',
    [
      'claim',
      'run',
      'ready',
      'step add',
      'step edit',
      'step remove',
      'complete',
      'approve',
      'reject',
      'handoff',
      'release',
      'wait-for',
      'heartbeat',
      'send',
      'inbox',
      'ack',
      'outbox',
      'memory set',
      'memory get',
      'memory list',
      'memory history',
      'memory delete',
      'artifact upload',
      'artifact download',
      'artifact list',
    ],
  ],
  ['Look', ['status', 'steps', 'step-status', 'agents', 'log', 'replay', 'demo']],
];

/** Every command in exactly one group; ungrouped ones come last. */
export function grouped(commands: readonly CommandManual[]): readonly CommandGroup[] {
  const named = titles.map(([title, names]) => ({
    title,
    commands: names.flatMap((name) => commands.filter((one) => one.name === name)),
  }));
  const known = new Set(titles.flatMap(([, names]) => names));
  const rest = { title: 'More', commands: commands.filter(({ name }) => !known.has(name)) };
  return [...named, rest].filter((group) => group.commands.length > 0);
}
