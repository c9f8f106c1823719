import { appendFile, mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AgentDatabase, type Event, lineOf, schema } from './openclaw-database.js';
import { createTemporaryFolder } from './temporary-folder.js';

/** A transcript of the days of files. */
export class TranscriptFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  async append(...added: readonly (Event | string)[]): Promise<this> {
    await mkdir(dirname(this.path), { recursive: true });
    const text = added.map((one) => (typeof one === 'string' ? one : lineOf(one)));
    await appendFile(this.path, text.join(''));
    return this;
  }

  /** As a reset or a deletion does; a compaction does the same and begins the file anew. */
  async setAside(reason: 'bak' | 'reset' | 'deleted', time: string): Promise<string> {
    const path = `${this.path}.${reason}.${time}`;
    await rename(this.path, path);
    return path;
  }
}

/** `agents/<id>` of a state folder. */
export class AgentFolder {
  readonly folder: string;
  readonly #databases: AgentDatabase[] = [];

  constructor(folder: string) {
    this.folder = folder;
  }

  transcript(sessionId: string, topic?: string): TranscriptFile {
    const thread = topic === undefined ? '' : `-topic-${topic}`;
    return new TranscriptFile(join(this.folder, 'sessions', `${sessionId}${thread}.jsonl`));
  }

  async database(ddl = schema): Promise<AgentDatabase> {
    await mkdir(join(this.folder, 'agent'), { recursive: true });
    const database = new AgentDatabase(this.folder, ddl);
    this.#databases.push(database);
    return database;
  }

  async file(below: readonly string[], content: string | Buffer = ''): Promise<string> {
    const path = join(this.folder, ...below);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    return path;
  }

  close(): void {
    for (const database of this.#databases) database.close();
  }
}

/** OpenClaw's folder in a home folder, built piece by piece. */
export class OpenClawState {
  readonly home: string;
  readonly #name: string;
  readonly #removeHome: () => Promise<void>;
  readonly #agents = new Map<string, AgentFolder>();

  private constructor(home: string, name: string, removeHome: () => Promise<void>) {
    this.home = home;
    this.#name = name;
    this.#removeHome = removeHome;
  }

  static async create(): Promise<OpenClawState> {
    const { path, remove } = await createTemporaryFolder();
    return new OpenClawState(path, '.openclaw', remove);
  }

  /** In a home folder that somebody else removes. */
  static in(home: string, name = '.openclaw'): OpenClawState {
    return new OpenClawState(home, name, async () => undefined);
  }

  get folder(): string {
    return join(this.home, this.#name);
  }

  get root(): string {
    return join(this.folder, 'agents');
  }

  agent(id = 'main'): AgentFolder {
    const agent = this.#agents.get(id) ?? new AgentFolder(join(this.root, id));
    this.#agents.set(id, agent);
    return agent;
  }

  async remove(): Promise<void> {
    for (const agent of this.#agents.values()) agent.close();
    await this.#removeHome();
  }
}
