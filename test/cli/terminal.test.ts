import { join } from 'node:path';
import stringWidth from 'string-width';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { type CliWorld, createCliWorld, repositoryRoot } from '../support/run-cli.js';
import { hasTmux, inTmux, Tmux } from '../support/tmux.js';

const rows = 24;
const patience = { timeout: 40_000, interval: 100 };

describe.skipIf(!hasTmux)(inTmux('commands'), () => {
  let world: CliWorld;
  let terminal: Tmux;

  function start(columns: number, ...args: readonly string[]): void {
    const env = {
      PATH: process.env.PATH ?? '',
      HOME: world.home,
      TZ: 'UTC',
      TERM: 'tmux-256color',
    };
    const command = [process.execPath, join(repositoryRoot, 'bin', 'run.cjs'), ...args];
    terminal.start(command, { ...env, LC_ALL: 'C.UTF-8' }, { columns, rows });
  }

  function tooWide(columns: number): readonly string[] {
    return terminal.screen().filter((row) => stringWidth(row) > columns);
  }

  beforeAll(async () => {
    world = await createCliWorld();
    const folder = join(world.home, '.claude', 'projects', '-garden');
    for (let at = 0; at < 30; at += 1) {
      const sessionId = sessionUuid();
      const timestamp = `2026-05-01T12:${String(at + 10)}:00.000Z`;
      const prompt = `Water bed ${at}, and the roses behind the glasshouse; 菊の花壇にも水をやってください`;
      const context = { sessionId, cwd: world.project, timestamp };
      await new Transcript(join(folder, `${sessionId}.jsonl`)).append(userRow(prompt, context));
    }
    const { code } = await world.run(['watch', '--once', '--all'], { cwd: world.home });
    expect(code).toBe(0);
  }, 60_000);

  beforeEach(() => {
    terminal = new Tmux(world.root);
  });

  afterEach(() => terminal.close());

  afterAll(() => world.remove());

  it.each([120, 80, 60, 40])(
    'print tables none of whose rows wraps at %d columns',
    async (columns) => {
      start(columns, 'session', 'list', '--limit', '20');
      await vi.waitFor(() => expect(terminal.hasEnded).toBe(true), patience);
      expect(terminal.screen().filter((row) => row.includes('ago'))).toHaveLength(20);
      expect(tooWide(columns)).toEqual([]);
    },
    60_000,
  );

  it('redraw in place after each resize, and scroll nothing off the screen', async () => {
    start(80, 'status', '--watch');
    await vi.waitFor(() => expect(terminal.screen()).toContain('Sessions'), patience);
    for (const columns of [40, 120, 60]) {
      terminal.resize({ columns, rows });
      const lead =
        columns <= 60 ? /^ {2}claude-code\/\S+ {2}Water/ : /^ {2}claude-code\/\S+ {2}1 line/;
      await vi.waitFor(() => {
        const shown = terminal.screen();
        expect(shown[0]).toMatch(/^Bucket/);
        expect(shown.filter((row) => lead.test(row)).length).toBeGreaterThan(5);
        expect(tooWide(columns)).toEqual([]);
      }, patience);
    }
    expect(terminal.scrolled).toBe(0);
    terminal.press('C-c');
    await vi.waitFor(() => expect(terminal.hasEnded).toBe(true), patience);
    expect(terminal.screen().join('\n')).toContain('20 older sessions');
  }, 90_000);
});
