import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bashCompletion } from '../../src/cli/completion/bash.js';
import { fishCompletion } from '../../src/cli/completion/fish.js';
import { zshCompletion } from '../../src/cli/completion/zsh.js';
import { readManual } from '../../src/cli/manual/commands.js';
import { harnessNames } from '../../watchers/names.js';
import { repositoryRoot } from '../support/run-cli.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';

const manifest = readFileSync(join(repositoryRoot, 'oclif.manifest.json'), 'utf8');
const { commands } = readManual(manifest);
const topWords = [...new Set([...commands.map(({ name }) => name.split(' ')[0] ?? ''), 'help'])];

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;

beforeAll(async () => {
  folder = await createTemporaryFolder();
  await writeFile(join(folder.path, 'bash'), bashCompletion(commands));
  await writeFile(join(folder.path, 'zsh'), zshCompletion(commands));
  await writeFile(join(folder.path, 'fish'), fishCompletion(commands));
  await mkdir(join(folder.path, 'work/a folder'), { recursive: true });
  await writeFile(join(folder.path, 'work/a file'), '');
});
afterAll(() => folder.remove());

function shell(program: string, args: readonly string[]): string {
  const { stdout, stderr, error } = spawnSync(program, args, {
    cwd: join(folder.path, 'work'),
    encoding: 'utf8',
    timeout: 25_000,
    env: { PATH: process.env.PATH, HOME: folder.path, LC_ALL: 'C.UTF-8', TERM: 'xterm' },
  });
  if (error !== undefined) throw error;
  expect(stderr).toBe('');
  return stdout;
}

function lines(text: string): string[] {
  return [...new Set(text.split('\n'))].filter((line) => line !== '').sort();
}

/** The words as bash's own reader would split them, the last of them under the cursor. */
function inBash(line: string): string[] {
  const words = line.split(/ |(?<==)|(?==)/).map((word) => `'${word}'`);
  const script = `. ../bash; COMP_WORDS=(${words.join(' ')}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_tracecraft; [ \${#COMPREPLY[@]} -eq 0 ] || printf '%s\\n' "\${COMPREPLY[@]}"`;
  return lines(shell('bash', ['--norc', '-c', script]));
}

function inFish(line: string): string[] {
  const out = shell('fish', ['--no-config', '-c', `source ../fish; complete -C '${line}'`]);
  return lines(out).map((one) => one.split('\t')[0] ?? '');
}

/** zsh completes only in its line editor: one in a terminal of its own gets the line and a tab, and its compadd tells. */
function inZsh(line: string): string[] {
  const inner = `
PROMPT=
autoload -U compinit; compinit -u -d ../dump
source ../zsh
compadd() {
  [[ "\${@[1,(i)(-|--)]}" == *-(O|A|D)\\ * ]] && { builtin compadd "$@"; return }
  local -a found
  builtin compadd -A found "$@"
  print -rl -- $found >> ../hits
  builtin compadd "$@"
}
probe() { zle complete-word; : > ../done }
zle -N probe; bindkey '^I' probe; : > ../ready`;
  const outer = `
rm -f ../hits ../done ../ready; : > ../hits
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'source ../inner'
await() { local i; for (( i = 0; i < 400; i++ )); do zpty -r -t z > /dev/null; [[ -e $1 ]] && return; sleep 0.05; done }
await ../ready
zpty -w -n z "$1"$'\\t'
await ../done
zpty -d z
cat ../hits`;
  spawnSync('tee', [join(folder.path, 'inner')], { input: inner });
  return lines(shell('zsh', ['-f', '-c', outer, 'zsh', line]));
}

const shells = [
  { name: 'bash', complete: inBash },
  { name: 'zsh', complete: inZsh },
  { name: 'fish', complete: inFish },
].map((one) => ({ ...one, isHere: spawnSync(one.name, ['--version']).status === 0 }));

for (const { name } of shells.filter(({ isHere }) => !isHere)) {
  process.stderr.write(`SKIPPED, no ${name} here: its completion\n`);
}

describe.each(shells)('completion in $name', ({ complete, isHere }) => {
  const inShell = it.skipIf(!isHere);

  inShell('knows all first words', () => {
    expect(complete('tracecraft ')).toEqual(topWords.sort());
    expect(complete('tracecraft wa')).toEqual(['wait-for', 'watch']);
  });

  inShell('knows the words below a topic, and after help', () => {
    const below = ['delete', 'get', 'history', 'list', 'set'];
    expect(complete('tracecraft memory ')).toEqual(below);
    expect(complete('tracecraft help memory ')).toEqual(below);
    expect(complete('tracecraft help cla')).toEqual(['claim']);
  });

  inShell('knows the flags of a command and of a command below a topic', () => {
    expect(complete('tracecraft watch --in')).toEqual([expect.stringMatching(/^--interval=?$/)]);
    expect(complete('tracecraft memory set k v --if-v')).toEqual([
      expect.stringMatching(/^--if-version=?$/),
    ]);
    expect(complete('tracecraft redact --j')).toEqual(['--json']);
  });

  inShell('knows the values of a flag', () => {
    expect(complete('tracecraft watch --harness ').sort()).toEqual([...harnessNames].sort());
    expect(complete('tracecraft watch --once --harness cod')).toEqual(['codex']);
    expect(complete('tracecraft session list --harness=her').map(afterEquals)).toEqual(['hermes']);
  });

  inShell(
    'knows the values of an argument, files from folders, and offers neither where none is meant',
    () => {
      const bare = (found: readonly string[]): string[] =>
        found.map((one) => one.replaceAll('\\', '').replace(/\/$/, ''));
      expect(bare(complete('tracecraft artifact upload '))).toEqual(['a file', 'a folder']);
      expect(bare(complete('tracecraft watch --cwd '))).toEqual(['a folder']);
      expect(complete('tracecraft completion ')).toEqual(['bash', 'fish', 'zsh']);
      expect(complete('tracecraft claim ')).toEqual([]);
      expect(complete('tracecraft watch --since ')).toEqual([]);
    },
  );
});

function afterEquals(word: string): string {
  return word.slice(word.indexOf('=') + 1);
}
