import { join } from 'node:path';
import type { Clock } from '../../clock.js';
import type { Io } from '../../io.js';
import { isDotEnv, secretsOfDotEnv } from '../../redact/env-secrets.js';
import type { Redaction, Redactor } from '../../redact/redact.js';

export interface LiveRedactorOptions {
  /** An engine that treats these values as secret, besides everything it detects by itself. */
  readonly create: (knownSecrets: readonly string[]) => Redactor;
  /** Known from the start, e.g. from this process's environment. */
  readonly known: readonly string[];
  readonly io: Io;
  readonly clock: Clock;
}

const largestFile = 256 * 1024;
const lookAgainMs = 30_000;

/**
 * The redactor of a mirror that learns. Before a session's lines are read, the `.env` files of its folder are, and
 * whatever they contain under secret-looking names is redacted in every session from then on, unless it consists of
 * words or is a folder in a session's path. So what is redacted may change at any time; the mirror's rule of
 * agreement allows for that.
 */
export class LiveRedactor implements Redactor {
  readonly #options: LiveRedactorOptions;
  readonly #known: Set<string>;
  readonly #folderNames = new Set<string>();
  readonly #lookedAtMs = new Map<string, number>();
  #inUse: readonly string[];
  #engine: Redactor;

  constructor(options: LiveRedactorOptions) {
    this.#options = options;
    this.#known = new Set(options.known);
    this.#inUse = [...this.#known];
    this.#engine = options.create(this.#inUse);
  }

  /** Of the engine and its settings; learned values are not part of it. */
  get version(): string {
    return this.#engine.version;
  }

  redact(line: Buffer): Redaction {
    return this.#engine.redact(line);
  }

  /** Reads the folder's `.env` files, at most twice a minute. An unreadable file teaches nothing. */
  async learnFrom(folder: string): Promise<void> {
    const { clock } = this.#options;
    const now = clock.monotonic();
    const lookedAtMs = this.#lookedAtMs.get(folder);
    if (lookedAtMs !== undefined && now - lookedAtMs < lookAgainMs) return;
    this.#lookedAtMs.set(folder, now);
    for (const value of await this.#secretsIn(folder)) this.#known.add(value);
    for (const name of folder.split(/[\\/]/)) this.#folderNames.add(name);
    const usable = [...this.#known].filter((value) => !this.#folderNames.has(value));
    const isChanged =
      usable.length !== this.#inUse.length ||
      usable.some((value, index) => value !== this.#inUse[index]);
    if (!isChanged) return;
    this.#inUse = usable;
    this.#engine = this.#options.create(usable);
  }

  async #secretsIn(folder: string): Promise<readonly string[]> {
    const { io } = this.#options;
    try {
      const entries = (await io.readdir(folder)) ?? [];
      const files = entries.filter(({ name, kind }) => kind === 'file' && isDotEnv(name));
      const texts = await Promise.all(files.map(({ name }) => this.#textOf(join(folder, name))));
      return texts.flatMap(secretsOfDotEnv);
    } catch {
      return [];
    }
  }

  async #textOf(path: string): Promise<string> {
    const { io } = this.#options;
    const stat = await io.stat(path);
    if (stat === undefined || stat.size > largestFile) return '';
    return (await io.readFile(path))?.toString('utf8') ?? '';
  }
}
