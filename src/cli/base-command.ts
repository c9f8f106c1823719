import * as Flags from '@oclif/core/flags';
import type { Input, ParserOutput } from '@oclif/core/interfaces';
import type { Coordination } from '../app/coordination.js';
import type { Bucket } from '../bucket/bucket.js';
import { stoppable } from '../bucket/stoppable.js';
import { systemClock } from '../clock.js';
import {
  loadSettings,
  requireAgent,
  requireTrusted,
  type Settings,
  type SettingsContext,
} from '../config/settings.js';
import type { TracecraftError } from '../errors.js';
import { nodeIo } from '../io.js';
import { homeFolder } from '../system-user.js';
import { outliveReaders } from './closed-pipe.js';
import { Command } from './command.js';
import {
  jsonSchemaVersion,
  noteLine,
  printBlock,
  printJson,
  printLine,
  sayLine,
  wantsJson,
} from './output.js';
import { signalExitCode, stopOnSignals } from './signals.js';

type Values = Record<string, unknown>;

/**
 * What all commands share. `run` returns the answer as data, which `--json` prints in an envelope with a schema
 * version; without `--json` the command prints lines with `say` and `print`. Errors are thrown, and `main` shows them
 * once.
 */
export abstract class BaseCommand extends Command {
  static override baseFlags = {
    quiet: Flags.boolean({
      char: 'q',
      summary: 'print only the answer and errors',
      helpGroup: 'GLOBAL',
    }),
  };

  /** It prints and does nothing else, perhaps at length or without an end, so it ends when nobody reads on. */
  protected static endsWithItsReader = false;

  #quiet = false;
  readonly #open: Bucket[] = [];
  readonly #over = new AbortController();
  #coordination: Coordination | undefined;
  readonly #signs: Promise<void>[] = [];

  protected override begin(): void {
    const { endsWithItsReader } = this.constructor as typeof BaseCommand;
    if (!endsWithItsReader) outliveReaders();
  }

  protected jsonEnabled(): boolean {
    return wantsJson(this.argv);
  }

  protected override async parse<F extends Values, B extends Values, A extends Values>(
    options: Input<F, B, A>,
  ): Promise<ParserOutput<F, B, A>> {
    const parsed = await super.parse(options);
    this.#quiet = Object(parsed.flags).quiet === true;
    return parsed;
  }

  protected get isQuiet(): boolean {
    return this.#quiet;
  }

  /** A line the user asked for: a value, a message, a list entry. */
  protected print(line: string): void {
    if (!this.jsonEnabled()) printLine(line);
  }

  /** Like `print`, for text of several lines. */
  protected printText(text: string): void {
    if (!this.jsonEnabled()) printBlock(text);
  }

  /** Confirms what was done; silent with `--quiet`. */
  protected say(line: string): void {
    if (!this.#quiet && !this.jsonEnabled()) sayLine(line);
  }

  /** On stderr, even with `--json`; silent with `--quiet`. */
  protected warn(about: string | Error): void {
    if (!this.#quiet) noteLine(`Warning: ${about instanceof Error ? about.message : about}`);
  }

  /** A remark besides the answer, on stderr; silent with `--quiet`. */
  protected note(line: string): void {
    if (!this.#quiet) noteLine(line);
  }

  /**
   * For work that leaves something behind unless it ends tidily: the first SIGINT or SIGTERM stops it, and the command ends
   * with that signal's exit code; a second one exits at once.
   */
  protected async stoppable<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const stop = stopOnSignals(() => this.note('Stopping (again to exit at once) …'));
    try {
      const result = await work(stop.signal);
      if (stop.received() === undefined) return result;
    } catch (error) {
      if (stop.received() === undefined) throw error;
    } finally {
      stop.restore();
    }
    return this.exit(signalExitCode(stop.received() ?? 'SIGINT'));
  }

  /** This process's surroundings, as `src/config` wants them. */
  protected get surroundings(): SettingsContext {
    return {
      cwd: process.cwd(),
      env: process.env,
      home: homeFolder(process.env),
      io: nodeIo,
      clock: systemClock,
    };
  }

  /** The config that applies here, if trusted. Warnings about it go to stderr. */
  protected async settings(): Promise<Settings> {
    const settings = await loadSettings(this.surroundings);
    requireTrusted(settings);
    for (const warning of settings.warnings) this.warn(warning);
    return settings;
  }

  /** The bucket the settings name; closed when the command ends. */
  protected async openBucket(settings: Settings): Promise<Bucket> {
    const { openForReading } = await import('../app/proven-bucket.js');
    const bucket = this.#closedAtEnd(await openForReading(settings));
    this.#signs.push(this.signOfLife(bucket, settings));
    return bucket;
  }

  /** Reading also shows that the agent is alive. */
  protected async signOfLife(bucket: Bucket, settings: Settings): Promise<void> {
    const { signOfLife } = await import('../app/coordination.js');
    await signOfLife(bucket, settings, this.surroundings.env);
  }

  /** Like `openBucket`, for commands that rely on arbitration: what the store really does has been probed. */
  protected async openProvenBucket(settings: Settings): Promise<Bucket> {
    const { openProven } = await import('../app/proven-bucket.js');
    return this.#closedAtEnd(await openProven(settings));
  }

  /** For commands that act as an agent; the bucket is a probed one. */
  protected async coordinate(): Promise<{
    readonly coordination: Coordination;
    readonly settings: Settings;
  }> {
    const settings = await this.settings();
    requireAgent(settings);
    const bucket = await this.openProvenBucket(settings);
    const { openCoordination } = await import('../app/coordination.js');
    const coordination = await openCoordination(bucket, settings, this.surroundings.env);
    this.#coordination = coordination;
    return { coordination, settings };
  }

  /**
   * Waits for the heartbeat sent alongside the command's own work. If it failed, prints a remark,
   * not an error.
   */
  protected async afterHeartbeat(heartbeat: Promise<Error | undefined>): Promise<void> {
    const failure = await heartbeat;
    if (failure !== undefined) this.warn(`the heartbeat was not sent: ${failure.message}`);
    if (this.#coordination?.isNewAgent()) {
      this.note(`Agent ${this.#coordination.context.agent} is new here and was registered.`);
    }
  }

  #closedAtEnd(bucket: Bucket): Bucket {
    this.#open.push(bucket);
    return stoppable(bucket, this.#over.signal);
  }

  /**
   * For an answer that is itself a failure, e.g. a list of problems: with `--json` the data is printed and only the
   * exit code tells; in text the error is thrown.
   */
  protected answerFailure<Data extends object>(error: TracecraftError, data: Data): Data {
    if (!this.jsonEnabled()) throw error;
    process.exitCode = error.exitCode;
    return data;
  }

  protected override async end(): Promise<void> {
    for (const error of this.#coordination?.unrecorded ?? []) {
      this.warn(`done, but not all of it was recorded: ${error.message}`);
    }
    await Promise.all(this.#signs);
    // A request that still waits for its answer, or for its next attempt, would keep a finished
    // process alive.
    this.#over.abort();
    await Promise.all(this.#open.map((bucket) => bucket.close()));
  }

  protected override reply(data: object): void {
    if (this.jsonEnabled()) this.printAnswer(data);
  }

  /** `data` in the envelope that scripts know. */
  protected printAnswer(data: object): void {
    printJson({ schema_version: jsonSchemaVersion, data });
  }
}
