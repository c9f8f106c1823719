import { basename, join, resolve, sep } from 'node:path';
import type { TracecraftError } from '../../src/errors.js';
import type { Pass, Stream, Watcher } from '../../src/mirror/stream.js';
import { DirectoryListings, isBelow } from '../files/directory-listings.js';
import { Links } from '../files/links.js';
import { UnpackedFiles } from '../files/zstd-file.js';
import { DatabaseCopies } from '../sqlite/database-copies.js';
import type { SqliteFileSettings } from '../sqlite/file.js';
import { eachOnce, unreadable } from '../unreadable.js';
import { OpenClawAgent } from './agent.js';
import { openClaw } from './description.js';
import { agentsFolder, isBesideThePoint } from './layout.js';
import { SessionKeys } from './session-keys.js';

interface OpenClawSettings extends SqliteFileSettings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Called once for each folder or file that exists but cannot be read; the sweep continues without it. */
  readonly onUnreadable?: (error: TracecraftError) => void;
}

const harness = openClaw.name;
const stateFolder = '.openclaw';
const legacyFolder = '.clawdbot';
const profileFolder = /^\.openclaw-[a-z0-9][a-z0-9_-]{0,63}$/i;
/** A run that never reported its end, because its process died, must not count as running forever. */
const believedForMs = 3_600_000;

/**
 * OpenClaw's sessions, for every agent below a state folder: files up to release 2026.7.1, a database per agent
 * since. A session is identified by its id wherever it is kept, so it continues when OpenClaw moves it from one to
 * the other. The state folder is `OPENCLAW_STATE_DIR`, or `.openclaw` in `OPENCLAW_HOME` or the home folder, which
 * also hold the folders of profiles (`.openclaw-<profile>`); `.clawdbot` counts while there is no `.openclaw`
 * (https://docs.openclaw.ai/help/environment). Stores moved elsewhere by `session.store` are not found.
 */
export class OpenClawWatcher implements Watcher {
  readonly harness = harness;
  readonly #settings: OpenClawSettings;
  readonly #listings: DirectoryListings;
  readonly #databaseCopies: DatabaseCopies;
  readonly #unpackedFiles: UnpackedFiles;
  readonly #onUnreadable: (error: TracecraftError) => void;
  readonly #agents = new Map<string, OpenClawAgent>();
  readonly #keys = new Map<string, SessionKeys>();
  /** What recent passes came to last. */
  readonly #passed = new WeakMap<OpenClawAgent, readonly Stream[]>();
  #roots: readonly string[] = [];

  constructor(settings: OpenClawSettings) {
    const { clock, env, home } = settings;
    const named = [env.OPENCLAW_STATE_DIR, env.OPENCLAW_HOME].map((value) => pathIn(value, home));
    const links = new Links({
      allowed: () => [home, ...named.filter((folder) => folder !== undefined)],
      mirrored: () => this.#roots,
      isTranscript: (path) => basename(path).includes('.jsonl'),
    });
    const io = links.reading(settings.io);
    this.#settings = { ...settings, io };
    this.#onUnreadable = eachOnce((error) => settings.onUnreadable?.(error));
    this.#listings = new DirectoryListings(io, clock, this.#onUnreadable, links);
    this.#databaseCopies = new DatabaseCopies(io, clock, this.#onUnreadable);
    this.#unpackedFiles = new UnpackedFiles(() => clock.monotonic());
  }

  async roots(): Promise<readonly string[]> {
    const roots = new Map<string, string>();
    for (const folder of await this.#stateFolders()) {
      const root = join(folder, agentsFolder);
      const identity = await this.#identityOf(root);
      if (identity !== undefined && !roots.has(identity)) roots.set(identity, root);
    }
    this.#roots = [...roots.values()];
    return this.#roots;
  }

  ignores(path: string): boolean {
    const root = this.#roots.find((candidate) => isBelow(path, candidate));
    return root !== undefined && isBesideThePoint(path.slice(root.length + 1).split(sep));
  }

  async *streams(root: string, pass: Pass = 'all'): AsyncGenerator<readonly Stream[]> {
    this.#unpackedFiles.tidy();
    const folders = new Set([root]);
    const agents = new Set<string>();
    for (const { name, kind } of (await this.#listings.list(root)) ?? []) {
      if (kind !== 'directory') continue;
      const agent = this.#agent(join(root, name));
      agents.add(join(root, name));
      for (const folder of agent.folders) folders.add(folder);
      const streams = await agent.streams();
      if (pass === 'recent' && this.#passed.get(agent) === streams) continue;
      yield streams;
      if (pass === 'recent') this.#passed.set(agent, streams);
    }
    this.#listings.keepOnly(root, folders);
    for (const folder of this.#agents.keys()) {
      if (isBelow(folder, root) && !agents.has(folder)) this.#agents.delete(folder);
    }
  }

  async streamOf(path: string): Promise<Stream | undefined> {
    const root = (await this.roots()).find((candidate) => isBelow(path, candidate));
    if (root === undefined) return undefined;
    const [name = '', ...below] = path.slice(root.length + 1).split(sep);
    if (below.length !== 2 || !(await this.#listings.has(root, name, 'directory')))
      return undefined;
    return this.#agent(join(root, name)).streamOf(path);
  }

  async live(): Promise<ReadonlySet<string>> {
    const sinceMs = this.#settings.clock.now() - believedForMs;
    const sessions = new Set<string>();
    for (const root of await this.roots()) {
      for (const { name, kind } of (await this.#listings.list(root)) ?? []) {
        if (kind !== 'directory') continue;
        for (const id of await this.#agent(join(root, name)).running(sinceMs)) sessions.add(id);
      }
    }
    return sessions;
  }

  #agent(folder: string): OpenClawAgent {
    const known = this.#agents.get(folder);
    if (known !== undefined) return known;
    const agent = new OpenClawAgent({
      ...this.#settings,
      folder,
      listings: this.#listings,
      databaseCopies: this.#databaseCopies,
      unpackedFiles: this.#unpackedFiles,
      keysOf: (one) => this.#keysOf(one),
      onUnreadable: this.#onUnreadable,
    });
    this.#agents.set(folder, agent);
    return agent;
  }

  #keysOf(agentFolder: string): SessionKeys {
    const known = this.#keys.get(agentFolder);
    if (known !== undefined) return known;
    const keys = new SessionKeys(this.#settings.io, agentFolder, this.#onUnreadable);
    this.#keys.set(agentFolder, keys);
    return keys;
  }

  async #stateFolders(): Promise<readonly string[]> {
    const { env, home } = this.#settings;
    const configured = pathIn(env.OPENCLAW_STATE_DIR, home);
    if (configured !== undefined) return [configured];
    const base = pathIn(env.OPENCLAW_HOME, home) ?? home;
    const names = await this.#namesIn(base);
    const own = names.has(stateFolder) ? stateFolder : legacyFolder;
    const profiles = [...names].filter((name) => profileFolder.test(name)).sort();
    return [own, ...profiles].map((name) => join(base, name));
  }

  async #namesIn(folder: string): Promise<ReadonlySet<string>> {
    try {
      const entries = await this.#settings.io.readdir(folder);
      return new Set((entries ?? []).map(({ name }) => name));
    } catch (error) {
      this.#onUnreadable(unreadable(folder, error));
      return new Set([stateFolder]);
    }
  }

  /** Two paths may reach the same folder. */
  async #identityOf(folder: string): Promise<string | undefined> {
    try {
      const stat = await this.#settings.io.stat(folder);
      return stat?.kind === 'directory' ? `${stat.dev}:${stat.ino}` : undefined;
    } catch (error) {
      this.#onUnreadable(unreadable(folder, error));
      return undefined;
    }
  }
}

/** As OpenClaw reads a path from the environment: a leading `~` is the home folder. */
function pathIn(value: string | undefined, home: string): string | undefined {
  const text = value?.trim() ?? '';
  if (text === '') return undefined;
  return resolve(text.replace(/^~(?=$|[/\\])/, () => home));
}
