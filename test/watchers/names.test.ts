import { describe, expect, it } from 'vitest';
import { knownFromHere } from '../../src/app/known-secrets.js';
import { systemClock } from '../../src/clock.js';
import { UsageError } from '../../src/errors.js';
import { nodeIo } from '../../src/io.js';
import {
  harnesses,
  harnessNames,
  harnessTitles,
  requireHarness,
  secretVariables,
} from '../../watchers/names.js';
import { createWatchers, loadSetup } from '../../watchers/registry.js';

const settings = { io: nodeIo, clock: systemClock, env: {}, home: '/nowhere' };

describe('the registries', () => {
  it('give each harness its own watcher and setup, in the order of the names', async () => {
    const watchers = await createWatchers(settings);
    expect(watchers.map(({ harness }) => harness)).toEqual(harnessNames);
    for (const { name, mailEvents } of harnesses) {
      const setup = await loadSetup(name);
      const { harness } = setup.plan({
        ...settings,
        tracecraftHome: '/nowhere/.tracecraft',
        spool: '/nowhere/.tracecraft/spool',
        skill: '',
        mail: undefined,
      });
      expect(harness).toBe(name);
      expect(setup.mailAnswer !== undefined).toBe(mailEvents.length > 0);
    }
  });

  it('refuse a name that is not a harness, whatever else is requested', async () => {
    expect(() => requireHarness('vim')).toThrow(UsageError);
    expect(() => requireHarness('toString')).toThrow('not a harness: "toString"');
    await expect(loadSetup('vim')).rejects.toThrow(UsageError);
    await expect(createWatchers(settings, ['codex', 'vim'])).rejects.toThrow(UsageError);
    expect(await createWatchers(settings, ['codex'])).toMatchObject([{ harness: 'codex' }]);
  });

  it('have keys that count as secrets, whatever their variables are called', () => {
    for (const name of secretVariables) {
      const env = { [name]: 'q7Zr2LmX9vKp4Td8' };
      expect(knownFromHere(undefined, env), name).toEqual(['q7Zr2LmX9vKp4Td8']);
    }
    expect(secretVariables.size).toBeGreaterThan(5);
  });

  it('describe in words what is searched', () => {
    expect(harnessTitles(harnesses.slice(0, 4))).toBe('Claude Code, Codex, Hermes and OpenClaw');
    expect(harnessTitles()).toMatch(/^Claude Code, (?:[\w ]+, )*[\w ]+ and [\w ]+$/);
    expect(harnessTitles(harnesses.slice(0, 1))).toBe('Claude Code');
  });
});
