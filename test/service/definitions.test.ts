import { spawnSync } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'plist';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readPlist, renderPlist } from '../../src/service/launchd-agent.js';
import { refuseControls, type ServiceSpec } from '../../src/service/spec.js';
import { readUnit, renderUnit } from '../../src/service/systemd-unit.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';

const strange = 'a  b "q" \'s\' $HOME $(x) %h %% \\ \\n & <x> -- --> ]]> ü 🦀 [x]*?';

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
beforeEach(async () => {
  folder = await createTemporaryFolder();
});
afterEach(() => folder.remove());

function specIn(root: string, more: Partial<ServiceSpec> = {}): ServiceSpec {
  return {
    version: '1.2.3',
    node: join(root, 'node'),
    script: join(root, 'run.cjs'),
    args: ['watch', '--wait', '--cwd', root],
    folder: root,
    config: null,
    variables: { CLAUDE_CONFIG_DIR: root, TRACECRAFT_AGENT: 'dev' },
    secrets: join(root, 'service.env'),
    log: join(root, 'watch.log'),
    made: [root],
    ...more,
  };
}

const hasVerify =
  process.platform === 'linux' && spawnSync('systemd-analyze', ['--version']).status === 0;
if (!hasVerify) process.stderr.write('SKIPPED, no systemd-analyze here: verifying units\n');

describe('a systemd unit', () => {
  it.skipIf(!hasVerify).each([
    ['plain', 'plain'],
    ['strange', strange],
    ['with a space at its end', 'end '],
    ['with a backslash at its end', 'end\\'],
  ])('passes systemd-analyze verify with paths that are %s', async (_, name) => {
    const root = join(folder.path, name);
    await mkdir(root);
    await symlink(process.execPath, join(root, 'node'));
    const file = join(folder.path, 'tracecraft.service');
    await writeFile(file, renderUnit(specIn(root), systemdVersion()));
    const { status, stderr } = spawnSync(
      'systemd-analyze',
      ['--user', '--man=no', '--generators=no', 'verify', file],
      { encoding: 'utf8', env: { ...process.env, XDG_RUNTIME_DIR: folder.path } },
    );
    expect(stderr.split('\n').filter((line) => line.includes('tracecraft'))).toEqual([]);
    expect(status).toBe(0);
  });

  it('escapes percent signs, quotes, dollars and backslashes as each line requires', () => {
    const unit = renderUnit(specIn('/a b$c%d"e\\'), 252);
    expect(unit.split('\n').filter((line) => /^(Exec|Work|Env)/.test(line))).toEqual([
      'ExecStart="/bin/sh" "-c" "exec \\"$$@\\"" "sh" "/a b$$c%%d\\"e\\\\/node" "/a b$$c%%d\\"e\\\\/run.cjs" "watch" "--wait" "--cwd" "/a b$$c%%d\\"e\\\\"',
      'WorkingDirectory=/a b$c%%d"e\\/',
      'Environment="CLAUDE_CONFIG_DIR=/a b$c%%d\\"e\\\\"',
      'Environment="TRACECRAFT_AGENT=dev"',
      'EnvironmentFile=/a b$c%%d"e\\\\/service.env',
    ]);
  });

  it('starts Node directly if its path allows it', () => {
    expect(renderUnit(specIn('/opt/a b$c%d'), 252)).toContain(
      'ExecStart="/opt/a b$c%%d/node" "/opt/a b$$c%%d/run.cjs" ',
    );
  });

  it('increases the pauses between restarts if systemd supports that', () => {
    expect(renderUnit(specIn('/x'), 253)).not.toContain('RestartSteps');
    expect(renderUnit(specIn('/x'), 254)).toContain('RestartSteps');
  });

  it('contains what it was generated from, and shows whether it was edited', () => {
    const spec = specIn(`/${strange}`);
    const unit = renderUnit(spec, 252);
    expect(readUnit(unit)).toEqual({ spec, isEdited: false });
    expect(readUnit(unit.replace('Nice=5', 'Nice=0'))).toEqual({ spec, isEdited: true });
    const older = unit.replace('"version":"1.2.3"', '"version":"1.2.2"');
    expect(readUnit(older)).toMatchObject({ isEdited: true });
    expect(readUnit(unit.slice(unit.indexOf('\n') + 1))).toBeUndefined();
    expect(readUnit('# tracecraft 0123456789abcdef {"version":7}\n')).toBeUndefined();
    expect(readUnit('')).toBeUndefined();
  });
});

describe('a launchd agent', () => {
  it('is an equivalent property list', () => {
    const spec = specIn(`/${strange}`, { secrets: null });
    expect(parse(renderPlist(spec))).toEqual({
      Label: 'tracecraft.watch',
      ProgramArguments: [spec.node, spec.script, ...spec.args],
      WorkingDirectory: spec.folder,
      EnvironmentVariables: spec.variables,
      RunAtLoad: true,
      KeepAlive: { SuccessfulExit: false },
      ThrottleInterval: 30,
      ExitTimeOut: 30,
      ProcessType: 'Background',
      Nice: 5,
      LowPriorityIO: true,
      Umask: 0o077,
      StandardOutPath: spec.log,
      StandardErrorPath: spec.log,
    });
  });

  it('reads its environment file through a shell that becomes the program', async () => {
    const secrets = join(folder.path, "it's $x.env");
    await writeFile(secrets, 'ONE="a \\"b\\" \\$c \\`d\\` \\\\e"\n');
    const spec = specIn(folder.path, {
      secrets,
      node: process.execPath,
      script: '-p',
      args: ['JSON.stringify([process.env.ONE, process.ppid])'],
    });
    const { ProgramArguments } = Object(parse(renderPlist(spec)));
    const [shell, ...args] = ProgramArguments as string[];
    const { stdout } = spawnSync(shell ?? '', args, { encoding: 'utf8', env: {} });
    expect(JSON.parse(stdout)).toEqual(['a "b" $c `d` \\e', process.pid]);
  });

  it('contains what it was generated from, in a valid comment', () => {
    const spec = specIn(`/${strange}`);
    const plist = renderPlist(spec);
    const comment = /<!--(.*?)-->/s.exec(plist)?.[1] ?? '';
    expect(comment).not.toContain('--');
    expect(readPlist(plist)).toEqual({ spec, isEdited: false });
    expect(readPlist(plist.replace('<true/>', '<false/>'))).toEqual({ spec, isEdited: true });
    expect(readPlist('<plist/>')).toBeUndefined();
  });
});

it('refuses and names values that neither format can hold', () => {
  expect(() => refuseControls(specIn('/a\nExecStart=/bin/evil'))).toThrow(
    /the path of Node contains/,
  );
  const variables = { CODEX_HOME: '/x\u0000y' };
  expect(() => refuseControls(specIn('/x', { variables }))).toThrow(/^CODEX_HOME contains/);
  expect(() => refuseControls(specIn(`/${strange}`))).not.toThrow();
});

function systemdVersion(): number {
  const { stdout } = spawnSync('systemd-analyze', ['--version'], { encoding: 'utf8' });
  return Number(/systemd (\d+)/.exec(stdout)?.[1]);
}
