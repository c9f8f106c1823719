import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sessionHere } from '../../src/app/shell-session.js';
import { harnesses } from '../../watchers/names.js';
import { lineOf, sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { CodexTree, metaRow, threadUuid } from '../support/codex-tree.js';
import {
  type CliResult,
  type CliWorld,
  collect,
  createCliWorld,
  repositoryRoot,
} from '../support/run-cli.js';

type Environment = Readonly<Record<string, string>>;

async function* chain(...above: readonly Environment[]): AsyncGenerator<Environment> {
  yield* above;
}

const claude = { CLAUDE_CODE_SESSION_ID: 'outer-1' };
const codex = { CODEX_THREAD_ID: 'inner-1' };
const both = { ...claude, ...codex };

describe('the session that a process runs in', () => {
  it.each(harnesses.filter(({ sessionVariables }) => sessionVariables.length > 0))(
    'is the one that $title names, by the first of its variables',
    async ({ sessionVariables }) => {
      const env = Object.fromEntries(sessionVariables.map((name) => [name, `of ${name}`]));
      const id = `of ${sessionVariables[0]}`;
      expect(await sessionHere(env, undefined, chain({}))).toEqual({ id, unclear: [] });
      for (const name of sessionVariables) {
        const only = await sessionHere({ [name]: 'x' }, undefined, chain({}));
        expect(only).toEqual({ id: 'x', unclear: [] });
      }
    },
  );

  it('is the inner one of nested harnesses, whichever that is', async () => {
    const insideClaude = chain(both, both, claude, {});
    expect(await sessionHere(both, undefined, insideClaude)).toMatchObject({ id: 'inner-1' });
    const insideCodex = chain(both, codex, codex, {});
    expect(await sessionHere(both, undefined, insideCodex)).toMatchObject({ id: 'outer-1' });
  });

  it('is the inner one of three, and of one harness inside itself', async () => {
    const hermes = { ...both, HERMES_SESSION_ID: 'deep-1' };
    const three = chain(hermes, both, claude, {});
    expect(await sessionHere(hermes, undefined, three)).toMatchObject({ id: 'deep-1' });
    const again = chain({ ...both, CODEX_THREAD_ID: 'before' }, {});
    expect(await sessionHere(both, undefined, again)).toMatchObject({ id: 'inner-1' });
  });

  it('is none in silence where nothing tells which is the inner one', async () => {
    const unclear = { id: undefined, unclear: ['outer-1', 'inner-1'] };
    expect(await sessionHere(both, undefined, chain(both, {}))).toEqual(unclear);
    expect(await sessionHere(both, undefined, chain())).toEqual(unclear);
  });

  it('is the one asked for, and the explicit one before all', async () => {
    expect(await sessionHere(both, 'claude-code', chain())).toMatchObject({ id: 'outer-1' });
    const explicit = { ...both, TRACECRAFT_SESSION: 'mine' };
    expect(await sessionHere(explicit, undefined, chain())).toMatchObject({ id: 'mine' });
  });
});

describe.skipIf(process.platform !== 'linux')('in real processes', () => {
  let world: CliWorld;
  const [session, thread] = [sessionUuid(), threadUuid()];

  beforeEach(async () => {
    world = await createCliWorld();
    const path = join(world.home, '.claude', 'projects', '-forge', `${session}.jsonl`);
    const row = lineOf(userRow('forge', { sessionId: session, cwd: '/forge' }));
    await new Transcript(path).append(row);
    await CodexTree.at(world.home)
      .rollout(thread)
      .append(metaRow(thread, { cwd: '/forge' }));
    await world.run(['init', '--global', '--agent', 'smith']);
  });

  afterEach(() => world.remove());

  /** A harness started with `outer` whose shell has `inner` as well. */
  function runNested(outer: Environment, inner: string, words: string): Promise<CliResult> {
    const bin = join(repositoryRoot, 'bin', 'run.cjs');
    // With a command after it, the shell stays, as a harness does.
    const script = `${inner} '${process.execPath}' '${bin}' ${words}; exit $?`;
    const env = { PATH: process.env.PATH ?? '', HOME: world.home, TZ: 'UTC', ...outer };
    return collect(spawn('sh', ['-c', script], { cwd: world.project, env }));
  }

  it('session mirror takes the session of the inner harness, either way round', async () => {
    const codexInside = await runNested(
      { CLAUDE_CODE_SESSION_ID: session },
      `CODEX_THREAD_ID=${thread}`,
      'session mirror',
    );
    expect(codexInside.stdout, codexInside.stderr).toContain(`Session ${thread} is in`);
    const claudeInside = await runNested(
      { CODEX_THREAD_ID: thread },
      `CLAUDE_CODE_SESSION_ID=${session}`,
      'session mirror',
    );
    expect(claudeInside.stdout, claudeInside.stderr).toContain(`Session ${session} is in`);
  });

  it('where it is unclear, session mirror asks, and a claim says that it names no session', async () => {
    const env = { CLAUDE_CODE_SESSION_ID: session, CODEX_THREAD_ID: thread };
    const asked = await world.run(['session', 'mirror'], { env });
    expect(asked.code).toBe(2);
    expect(asked.stderr).toContain(session.slice(-8));
    expect(asked.stderr).toContain(thread.slice(0, 8));
    const claimed = await world.run(['claim', 'anvil'], { env });
    expect(claimed.code, claimed.stderr).toBe(0);
    expect(claimed.stderr).toContain(`this shell names ${session} and ${thread}`);
    expect(await world.run(['complete', 'anvil'], { env })).toMatchObject({ code: 0 });
  });
});
