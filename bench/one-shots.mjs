// The commands that agents and people call many times a day, each with what it needs in order to succeed once more.
import { must } from './stand.mjs';
import { createSessions } from './watching.mjs';

/**
 * `args` are those of the nth run; `before` is a command that has to precede it and is not measured. `like` is the least
 * that the same act can cost a tool made of click and boto3: an operation of startup_compare.py. Without `like`, such a
 * tool has no such command.
 */
export const oneShots = [
  { name: 'claim', args: (n) => ['claim', `c${n}`], like: 'create' },
  { name: 'heartbeat', args: () => ['heartbeat'], like: 'put' },
  {
    name: 'complete',
    before: (n) => ['claim', `d${n}`],
    args: (n) => ['complete', `d${n}`, '--note', 'the contract is agreed'],
    like: 'replace',
  },
  {
    name: 'release',
    before: (n) => ['claim', `r${n}`],
    args: (n) => ['release', `r${n}`],
    like: 'replace',
  },
  { name: 'handoff', args: () => ['handoff', 'done'], like: 'get' },
  { name: 'wait-for', args: () => ['wait-for', 'done'], like: 'get' },
  { name: 'steps', args: () => ['steps'], like: 'read' },
  { name: 'step-status', args: () => ['step-status', 'done'], like: 'get' },
  { name: 'ready', args: () => ['ready'] },
  { name: 'step add', args: (n) => ['step', 'add', `p${n}`] },
  { name: 'send', args: () => ['send', '--all', 'the contract is in memory'], like: 'put' },
  { name: 'inbox', args: () => ['inbox', '--new'], like: 'read' },
  { name: 'outbox', args: () => ['outbox'] },
  { name: 'memory get', args: () => ['memory', 'get', 'k'], like: 'get' },
  { name: 'memory set', args: (n) => ['memory', 'set', 'n', `{"run": "${n}"}`], like: 'replace' },
  { name: 'memory list', args: () => ['memory', 'list'], like: 'read' },
  { name: 'artifact list', args: () => ['artifact', 'list'], like: 'read' },
  { name: 'agents', args: () => ['agents'], like: 'read' },
  { name: 'status', args: () => ['status'], like: 'read' },
  { name: 'log', args: () => ['log'] },
  { name: 'session list', args: () => ['session', 'list'] },
  { name: 'session show', args: () => ['session', 'show', '00000000-0000-4000-8000-000000000001'] },
  { name: 'search', args: () => ['search', 'begin'] },
  { name: 'usage', args: () => ['usage'] },
  { name: 'hook', args: () => ['hook', 'claude-code', '--event', 'UserPromptSubmit'] },
];

/** The session in which all of them act, as the commands of one agent do. */
export const session = { TRACECRAFT_SESSION: '00000000-0000-4000-8000-0000000000ff' };

/** What the commands find in the bucket. */
export async function prepare(stand) {
  const run = (...args) => must(stand.run(args, { more: session }));
  await createSessions(stand.home, 3);
  await run('watch', '--once', '--all-projects', '--quiet');
  await run('memory', 'set', 'k', '{"port": 8080}');
  await run('memory', 'set', 'n', '{"port": 1}');
  await run('claim', 'done');
  await run('complete', 'done', '--note', 'agreed');
  await run('send', '--all', 'hello');
  await run('step', 'add', 'planned');
}
