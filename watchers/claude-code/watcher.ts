import { dirname, join, resolve, sep } from 'node:path';
import type { Clock } from '../../src/clock.js';
import type { TracecraftError } from '../../src/errors.js';
import type { DirectoryEntry, Io } from '../../src/io.js';
import type { Pass, Retention, SessionRef, Stream, Watcher } from '../../src/mirror/stream.js';
import { DirectoryListings, isBelow } from '../files/directory-listings.js';
import { jsonlFile } from '../files/jsonl-file.js';
import { Links } from '../files/links.js';
import { signedSessions } from '../files/live-signs.js';
import { recordFile } from '../files/record-file.js';
import { WriteOnceFiles } from '../files/write-once-files.js';
import { eachOnce, unreadable } from '../unreadable.js';
import { claudeCode } from './description.js';
import { foldAgentMeta, foldClaudeRow } from './facts.js';
import {
  isFolderOfInterest,
  isProjectOf,
  isSessionId,
  isToolResult,
  subagentsFolder,
  type TranscriptPath,
  toolResultSuffix,
  toolResultsFolder,
  transcriptPathOf,
} from './layout.js';
import { OrphanSubagents } from './orphan-subagents.js';
import { readRetention } from './retention.js';

export interface ClaudeCodeSettings {
  readonly io: Io;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Called once for each folder or file that exists but cannot be read; the sweep continues without it. */
  readonly onUnreadable?: (error: TracecraftError) => void;
  /** Whether a process with this id runs on this machine. */
  readonly isAlive?: (pid: number) => boolean | Promise<boolean>;
}

const harness = claudeCode.name;
const noEntries: readonly DirectoryEntry[] = [];
/** Levels of folders below `subagents`; workflows are known to create two. */
const deepest = 12;

/**
 * Claude Code's transcripts. `CLAUDE_CONFIG_DIR` replaces `~/.claude` (https://code.claude.com/docs/en/env-vars); we
 * also accept a comma-separated list of folders and, by default, `~/.config/claude`, which some releases used. A
 * session is identified by its id, never by its path: `/cd` and worktrees move transcripts between project folders
 * and may leave a stub, so several files may claim to be one stream, and each is a stream object of its own.
 */
export class ClaudeCodeWatcher implements Watcher {
  readonly harness = harness;
  readonly #settings: ClaudeCodeSettings;
  readonly #configs: readonly string[];
  readonly #listings: DirectoryListings;
  readonly #strays: OrphanSubagents;
  readonly #onUnreadable: (error: TracecraftError) => void;
  readonly #streams = new Map<string, Stream>();
  readonly #sorted = new WeakMap<readonly DirectoryEntry[], Folder>();
  readonly #found = new WeakMap<Folder, FoundFile>();
  /** Roots below which some file does not say its session yet. */
  readonly #waiting = new Set<string>();
  /** By root: what the last complete pass came across. */
  readonly #lastPass = new Map<string, readonly FoundFile[]>();

  constructor(settings: ClaudeCodeSettings) {
    this.#configs = configFolders(settings);
    this.#onUnreadable = eachOnce((error) => settings.onUnreadable?.(error));
    const links = new Links({
      allowed: () => [settings.home, ...this.#configs],
      mirrored: () => this.#configs.map(projectsOf),
      isTranscript: (path) => path.endsWith('.jsonl'),
    });
    this.#settings = { ...settings, io: links.reading(settings.io) };
    this.#listings = new DirectoryListings(settings.io, settings.clock, this.#onUnreadable, links);
    this.#strays = new OrphanSubagents(this.#settings.io, this.#onUnreadable);
  }

  async roots(): Promise<readonly string[]> {
    const roots = new Map<string, string>();
    for (const config of this.#configs) {
      const root = projectsOf(config);
      const identity = await this.#identityOf(root);
      if (identity !== undefined && !roots.has(identity)) roots.set(identity, root);
    }
    return [...roots.values()];
  }

  async *streams(root: string, pass: Pass = 'all'): AsyncGenerator<readonly Stream[]> {
    const isKnown = pass === 'recent' && !this.#waiting.has(root);
    if (isKnown && !(await this.#listings.isNewsBelow(root))) return;
    this.#listings.beginPass(root);
    this.#waiting.delete(root);
    const all: FoundFile[] = [];
    for await (const listed of this.#folders(root, pass)) {
      const found = this.#found.get(listed) ?? (await this.#search(root, listed));
      all.push(found);
      if (found.streams.length > 0) yield found.streams;
    }
    this.#forgetAllBut(root, all);
  }

  async streamOf(path: string): Promise<Stream | undefined> {
    const root = this.#configs.map(projectsOf).find((candidate) => isBelow(path, candidate));
    if (root === undefined) return undefined;
    const place = transcriptPathOf(segments(root, path));
    const known = place === undefined ? undefined : this.#streams.get(sourceOf(path, place));
    if (known !== undefined) return known;
    this.#listings.heardOf(path);
    if (place === undefined) return undefined;
    return (await this.#isThere(root, path, place)) ? this.#meet(path, place) : undefined;
  }

  async live(): Promise<ReadonlySet<string>> {
    const sessions = new Set<string>();
    const { io, isAlive } = this.#settings;
    const reading = {
      io,
      listings: this.#listings,
      onUnreadable: this.#onUnreadable,
      ...(isAlive === undefined ? {} : { isAlive }),
    };
    for (const config of this.#configs) {
      const ids = await signedSessions(join(config, 'sessions'), reading);
      for (const id of ids) if (isSessionId(id)) sessions.add(id);
    }
    return sessions;
  }

  /** What a folder contains: determined once while its listing is unchanged and the owner of each file is known. */
  async #search(root: string, listed: Folder): Promise<FoundFile> {
    const { folder, files } = listed;
    const above = segments(root, folder);
    const sources = new Set<string>();
    const streams: Stream[] = [];
    for (const name of files) {
      const path = folder + sep + name;
      const place = transcriptPathOf([...above, name]);
      if (place === undefined) continue;
      const source = sourceOf(path, place);
      if (sources.has(source)) continue;
      sources.add(source);
      const stream = this.#streams.get(source) ?? (await this.#meet(path, place));
      if (stream !== undefined) streams.push(stream);
    }
    const found = { folder, sources, streams };
    if (streams.length === sources.size) this.#found.set(listed, found);
    else this.#waiting.add(root);
    return found;
  }

  #forgetAllBut(root: string, pass: readonly FoundFile[]): void {
    const last = this.#lastPass.get(root) ?? [];
    this.#lastPass.set(root, pass);
    const isSame = last.length === pass.length && last.every((one, index) => one === pass[index]);
    const found = [...this.#lastPass.values()].flat();
    const isAll =
      found.reduce((sum, { streams }) => sum + streams.length, 0) === this.#streams.size;
    if (isSame || (last.length === 0 && isAll)) return;
    const sources = new Set(pass.flatMap((one) => [...one.sources]));
    this.#listings.keepOnly(root, new Set(pass.map(({ folder }) => folder)));
    this.#strays.keepOnly(root, sources);
    for (const source of this.#streams.keys()) {
      if (isBelow(source, root) && !sources.has(source)) this.#streams.delete(source);
    }
  }

  /** Every folder that may hold transcripts, with its files. */
  async *#folders(root: string, pass: Pass): AsyncGenerator<Folder> {
    const projects = await this.#listed(root, pass);
    yield projects;
    for (const project of projects.folders) {
      const sessions = await this.#listed(join(root, project), pass);
      yield sessions;
      for (const name of sessions.folders) {
        if (isSessionId(name)) yield* this.#besideSession(join(sessions.folder, name), pass);
      }
    }
  }

  async *#besideSession(path: string, pass: Pass): AsyncGenerator<Folder> {
    const beside = await this.#listed(path, pass);
    yield beside;
    for (const name of beside.folders) {
      if (name === subagentsFolder) yield* this.#foldersBelow(join(path, name), deepest, pass);
      if (name === toolResultsFolder) yield await this.#listed(join(path, name), pass);
    }
  }

  async *#foldersBelow(path: string, depth: number, pass: Pass): AsyncGenerator<Folder> {
    const listed = await this.#listed(path, pass);
    yield listed;
    if (depth === 0) return;
    for (const name of listed.folders) {
      if (isFolderOfInterest(name)) yield* this.#foldersBelow(join(path, name), depth - 1, pass);
    }
  }

  async #listed(folder: string, pass: Pass): Promise<Folder> {
    const entries = (await this.#listings.list(folder, pass)) ?? noEntries;
    const known = this.#sorted.get(entries);
    if (known?.folder === folder) return known;
    const namesOf = (wanted: DirectoryEntry['kind']): readonly string[] =>
      entries.filter(({ kind }) => kind === wanted).map(({ name }) => name);
    const listed = { folder, files: namesOf('file'), folders: namesOf('directory') };
    this.#sorted.set(entries, listed);
    return listed;
  }

  /** A stream that is not known yet; `undefined` while nothing names its session. */
  async #meet(path: string, place: TranscriptPath): Promise<Stream | undefined> {
    const sessionId =
      place.kind === 'stray-agent' ? await this.#strays.sessionOf(path) : place.sessionId;
    if (sessionId === undefined) return undefined;
    const source = sourceOf(path, place);
    const known = this.#streams.get(source);
    if (known !== undefined) return known;
    const stream = this.#open(source, place, { harness, id: sessionId });
    this.#streams.set(source, stream);
    return stream;
  }

  #open(source: string, place: TranscriptPath, session: SessionRef): Stream {
    const { io, clock } = this.#settings;
    if (place.kind === 'tool-results') {
      return new WriteOnceFiles({
        io,
        clock,
        listings: this.#listings,
        folder: source,
        session,
        name: toolResultsFolder,
        type: 'tool-result',
        suffix: toolResultSuffix,
        onUnreadable: this.#onUnreadable,
      });
    }
    if (place.kind === 'agent-meta') {
      const { name } = place;
      return recordFile({ io, path: source, session, name, facts: foldAgentMeta });
    }
    const isMain = place.kind === 'main';
    return jsonlFile({
      io,
      path: source,
      session,
      name: isMain ? '' : place.name,
      facts: (line, before) => foldClaudeRow(line, before, { isMain }),
      isKeptFor: (folder) => isProjectOf(this.#projectOf(source), folder),
    });
  }

  #projectOf(source: string): string {
    const root = this.#configs.map(projectsOf).find((candidate) => isBelow(source, candidate));
    return (root === undefined ? undefined : segments(root, source)[0]) ?? '';
  }

  /** Whether the sweep would find it: a file of that name, in folders that are not links. */
  async #isThere(root: string, path: string, place: TranscriptPath): Promise<boolean> {
    const names = segments(root, path);
    const isFolder = place.kind === 'tool-results' && !isToolResult(names.at(-1) ?? '');
    let folder = root;
    for (const [index, name] of names.entries()) {
      const isLast = index === names.length - 1;
      const kind = isLast && !isFolder ? 'file' : 'directory';
      if (!(await this.#listings.has(folder, name, kind))) return false;
      folder = join(folder, name);
    }
    if (!isFolder) return true;
    return ((await this.#listings.list(folder)) ?? []).some(isResultFile);
  }

  retention(root: string): Promise<Retention> {
    return readRetention(this.#settings.io, join(dirname(root), 'settings.json'));
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

interface Folder {
  readonly folder: string;
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

interface FoundFile {
  readonly folder: string;
  readonly sources: ReadonlySet<string>;
  readonly streams: readonly Stream[];
}

/** A folder's own name may contain a comma, so the whole value is tried before its pieces. */
function configFolders({ env, home }: ClaudeCodeSettings): readonly string[] {
  const configured = env.CLAUDE_CONFIG_DIR?.trim() ?? '';
  if (configured === '') return [join(home, '.claude'), join(home, '.config', 'claude')];
  const pieces = configured.split(',').map((piece) => piece.trim());
  const folders = [configured, ...pieces].filter((piece) => piece !== '');
  return [...new Set(folders.map((folder) => resolve(folder)))];
}

function projectsOf(config: string): string {
  return join(config, 'projects');
}

function segments(root: string, path: string): readonly string[] {
  return path === root ? [] : path.slice(root.length + 1).split(sep);
}

function sourceOf(path: string, place: TranscriptPath): string {
  if (place.kind !== 'tool-results' || !isToolResult(path)) return path;
  return path.slice(0, path.lastIndexOf(sep));
}

function isResultFile({ name, kind }: DirectoryEntry): boolean {
  return kind === 'file' && isToolResult(name);
}
