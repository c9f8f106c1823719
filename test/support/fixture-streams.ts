import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeIo } from '../../src/io.js';
import { type Line, type Stream, startPosition, streamsOf } from '../../src/mirror/stream.js';
import { createWatchers } from '../../watchers/registry.js';
import { ManualClock } from './manual-clock.js';
import { createTemporaryFolder } from './temporary-folder.js';

export const sharedFolder = fileURLToPath(new URL('../../../shared', import.meta.url));
export const hasSharedFixtures = existsSync(join(sharedFolder, 'fixtures'));

/** One stream of a fixture as the mirror would ship it, were nothing in it a secret. */
export interface FixtureStream {
  /** The tree that it comes from, below `fixtures/`. */
  readonly tree: string;
  readonly harness: string;
  readonly session: string;
  readonly stream: string;
  readonly lines: readonly string[];
}

/** A tree below `fixtures/`, and the variable that tells its harness to look there. */
interface Tree {
  readonly path: string;
  readonly harness: string;
  readonly variable: string;
  /** Where in the harness's home the tree belongs; '' is the home itself. */
  readonly at?: string;
}

const claude = { harness: 'claude-code', variable: 'CLAUDE_CONFIG_DIR' };
const codex = { harness: 'codex', variable: 'CODEX_HOME' };
const openclaw = { harness: 'openclaw', variable: 'OPENCLAW_STATE_DIR' };
const hermes = { harness: 'hermes', variable: 'HERMES_HOME' };
const pi = { harness: 'pi', variable: 'PI_CODING_AGENT_DIR' };
const qwen = { harness: 'qwen-code', variable: 'QWEN_HOME' };
const copilot = { harness: 'copilot', variable: 'COPILOT_HOME' };
const kimi = { harness: 'kimi-code', variable: 'KIMI_CODE_HOME' };
const gemini = { harness: 'gemini-cli', variable: 'GEMINI_CLI_HOME' };

const opencode = { harness: 'opencode', variable: 'XDG_DATA_HOME' };

const trees: readonly Tree[] = [
  { ...claude, path: 'harness/claude-code' },
  { ...claude, path: 'harness-2026-11/claude-code' },
  { ...codex, path: 'harness/codex' },
  { ...codex, path: 'harness-2026-11/codex' },
  { ...openclaw, path: 'harness/openclaw' },
  { ...openclaw, path: 'harness/openclaw/before-truncation' },
  { ...openclaw, path: 'harness/openclaw-legacy' },
  { ...hermes, path: 'harness/hermes' },
  { ...hermes, path: 'harness-2026-11/hermes/v30-delete.db', at: 'state.db' },
  { ...hermes, path: 'harness-2026-11/hermes/v6-old.db', at: 'state.db' },
  { ...pi, path: 'harness-more/pi/home/.pi/agent' },
  { ...pi, path: 'harness-more/pi/home/flat' },
  { ...qwen, path: 'harness-more/qwen-code/.qwen' },
  { ...copilot, path: 'harness-more/copilot/home/.copilot' },
  { ...copilot, path: 'harness-more/copilot-1.0.30' },
  { ...kimi, path: 'harness-more/kimi-code/.kimi-code' },
  { ...gemini, path: 'harness-more/gemini-cli' },
  { ...opencode, path: 'harness-more/opencode/home/.local/share/opencode', at: 'opencode' },
  { ...opencode, path: 'harness-more/opencode/steps/02-reverted-pending', at: 'opencode' },
];

/** Every stream of every tree below a folder of `fixtures/`, read through the watchers from copies. */
export async function readFixtureStreams(below = ''): Promise<readonly FixtureStream[]> {
  const { path, remove } = await createTemporaryFolder();
  try {
    const read: FixtureStream[] = [];
    for (const [index, tree] of trees.entries()) {
      if (!tree.path.startsWith(below)) continue;
      read.push(...(await readTree(tree, join(path, String(index)))));
    }
    return read;
  } finally {
    await remove();
  }
}

async function readTree(tree: Tree, home: string): Promise<readonly FixtureStream[]> {
  await mkdir(home);
  await cp(join(sharedFolder, 'fixtures', tree.path), join(home, tree.at ?? ''), {
    recursive: true,
  });
  await allowWriting(home);
  const clock = new ManualClock();
  const env = { [tree.variable]: home };
  const watchers = await createWatchers({ io: nodeIo, clock, env, home: join(home, 'nobody') });
  const watcher = watchers.find(({ harness }) => harness === tree.harness);
  if (watcher === undefined) throw new Error(`no watcher for ${tree.harness}`);
  const read: FixtureStream[] = [];
  for await (const stream of streamsOf(watcher)) {
    await stream.changed(undefined);
    // Files that are written once count when they have been the same for a while.
    clock.advance(5_000);
    const lines = await linesOf(stream);
    const { harness, id } = stream.session;
    read.push({ tree: tree.path, harness, session: id, stream: stream.name, lines });
  }
  return read;
}

/** Copies keep the modes of the shared tree, and a database is not read without a lock file beside it. */
export async function allowWriting(folder: string): Promise<void> {
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o700 : 0o600);
  }
}

async function linesOf(stream: Stream): Promise<readonly string[]> {
  const chunk = await stream.read(startPosition, { bytes: Number.POSITIVE_INFINITY });
  if (chunk === 'moved' || chunk === 'gone') throw new Error(`${stream.source} is ${chunk}`);
  return chunk.lines.map((line) => bytesOf(line).toString().replace(/\n$/, ''));
}

function bytesOf(line: Line): Buffer {
  return Buffer.isBuffer(line) ? line : line.seal(line.text);
}
