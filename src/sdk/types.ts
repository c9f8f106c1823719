// The package's declarations. They import nothing but each other, so they stand on their own.
import type { Artifacts } from './artifact-types.js';
import type { ExportedTables, ExportOptions } from './export-types.js';
import type {
  About,
  InboxOptions,
  Message,
  NewMail,
  OutboxOptions,
  SentMessage,
  SentState,
} from './mail-types.js';
import type { Memories } from './memory-types.js';
import type { Ran, RunOptions, Work } from './run-types.js';
import type { SearchAnswer, SearchOptions } from './search-types.js';
import type {
  Brief,
  BriefOptions,
  MirroredSession,
  MirrorOptions,
  RestoredSession,
  RestoreOptions,
} from './session-types.js';
import type { UsageAnswer, UsageOptions } from './usage-types.js';

/** Where the bucket is: the fields of `.tracecraft.json`, see docs/configuration.md. */
export interface Destination {
  readonly backend: 'local' | 's3' | 'hf';
  /** A folder (`~` is your home, relative paths start from `cwd`), or the bucket's name. */
  readonly bucket: string;
  /** The first segment of all keys. */
  readonly project: string;
  readonly agent_id?: string | null | undefined;
  readonly endpoint?: string | null | undefined;
  readonly region?: string | null | undefined;
  readonly profile?: string | null | undefined;
  readonly access_key?: string | null | undefined;
  readonly secret_key?: string | null | undefined;
  readonly hf_token?: string | null | undefined;
  readonly claim_ttl?: string | null | undefined;
  readonly redact?: RedactOptions | undefined;
}

export interface RedactOptions {
  /** Extra secrets as regular expressions, each replaced by `[REDACTED:<name>]`. */
  readonly patterns?: readonly { readonly name: string; readonly pattern: string }[] | undefined;
  /** Texts that look like secrets but are not. */
  readonly allow?: readonly string[] | undefined;
  /** Kinds to leave alone. */
  readonly disable?: readonly string[] | undefined;
}

export interface OpenOptions {
  /** Default: the config that applies in `cwd`, as on the command line. */
  readonly destination?: Destination | undefined;
  /** The acting agent. Default: TRACECRAFT_AGENT, or the config's `agent_id`. */
  readonly agent?: string | undefined;
  /** The acting session; only it may end its claims. Default: what the harness's environment names. */
  readonly sessionId?: string | undefined;
  /** Default: the current folder. */
  readonly cwd?: string | undefined;
  /** Replaces what looks like a secret in notes, mail and memory. By default it is shared unchanged, with a warning. */
  readonly redact?: boolean | undefined;
  /** Receives what a command would print to stderr. Default: nobody is told. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** One bucket, as one agent. Failures are `TracecraftError`s; losing a race for a claim or a value is an answer. */
export interface Tracecraft {
  /** Safe to print: holds no credentials. */
  readonly location: string;
  readonly project: string;
  /** `undefined`: no agent is named, so only reading and mirroring work. */
  readonly agent: string | undefined;
  /** Whether the store was observed to decide races. If not, claims are best-effort. */
  readonly isArbitrated: boolean;
  readonly memory: Memories;
  readonly artifacts: Artifacts;

  /**
   * Takes a step, so that nobody else works on it. Only `claimed: true` means that it is yours, and
   * you get it once: claiming a step already held under this name returns `claimed: false` with
   * `isOwnName`.
   */
  claim(step: string, options?: ClaimOptions): Promise<ClaimAnswer>;
  /** Ends a step and hands it over. `LostError` if it is no longer yours; nothing is changed then. */
  complete(step: string, report?: Report): Promise<Handoff>;
  /** Gives back an unfinished step. `LostError` as for `complete`. */
  release(step: string, options?: EndOptions): Promise<void>;
  /**
   * What the last holder tells the next one; `undefined` if the step has not been handed over yet.
   */
  handoff(step: string): Promise<Handoff | undefined>;
  steps(): Promise<readonly Step[]>;
  /** Waits until all are complete. `BlockedError` once one is blocked, `TimedOutError` when time is up. */
  waitFor(steps: string | readonly string[], options: WaitOptions): Promise<readonly Step[]>;

  /**
   * Plans steps, all in one write; resolves to those that were not planned before. `UsageError` for
   * a cycle, `LostError` for a step that is planned differently.
   */
  plan(steps: readonly NewPlannedStep[]): Promise<readonly string[]>;
  /** Planned steps that this agent can claim now, ordered by priority. */
  ready(): Promise<readonly ReadyStep[]>;
  /**
   * Claims one of the ready steps. If there is none: `NotFoundError` if everything is done,
   * `BlockedError` if only blocked steps are left, `TimedOutError` while others work on its needs.
   */
  claimNext(options?: NextOptions): Promise<Claimed>;
  /**
   * Approves a step that needs a review, which completes it. `LostError` if it needs none, or has
   * already been reviewed.
   */
  approve(step: string, options?: ReviewOptions): Promise<Handoff>;
  /**
   * Sends a step that needs a review back, saying what is missing; whoever handed it over gets a
   * message.
   */
  reject(step: string, options: ReviewOptions & { readonly note: string }): Promise<Handoff>;

  /**
   * Claims a step, renews the claim while `work` is under way, and ends the step with it: a value
   * completes it, an exception blocks it and is thrown again. `LostError` if somebody took the step
   * over, `UnreachableError` if the store was out of reach for too long; `work` is told by its
   * signal, in time to stop before anybody else can begin.
   */
  run<Value>(
    step: string,
    work: Work<Value>,
    options?: RunOptions,
  ): Promise<Ran<Value> | NotClaimed>;

  /** One message to one agent, whether it runs now or later. */
  send(to: string, message: string, about?: About): Promise<SentMessage>;
  /** One message to every agent. */
  broadcast(message: string, about?: About): Promise<SentMessage>;
  /** The newest mail, in the order sent. Consumes nothing. A warning counts what the limit left out. */
  inbox(options?: InboxOptions): Promise<readonly Message[]>;
  /** What this agent has not seen, on any machine; at most 1,000 messages. Stays new until `markSeen`. */
  newMail(): Promise<NewMail>;
  /** Tells the sender of a message that it has been noted. `NotFoundError` if there is no such message. */
  acknowledge(id: string, note?: string): Promise<SentMessage>;
  /** What this agent sent, and who has seen and acknowledged it. */
  outbox(options?: OutboxOptions): Promise<readonly SentState[]>;

  /**
   * Finds words in every transcript, mail, memory and handoff, like `tracecraft search`. Reads all
   * of them: an answer is complete if `unread` is empty.
   */
  search(words: string | readonly string[], options?: SearchOptions): Promise<SearchAnswer>;

  /**
   * What sessions used, from every machine and harness: tokens, calls and their list price, like
   * `tracecraft usage`. `UsageError`: not a time zone.
   */
  usage(options?: UsageOptions): Promise<UsageAnswer>;
  /**
   * Writes sessions, events and handoffs as tables, like `tracecraft export`; a second time only
   * what is new. `RefusedError`: a row contains what looks like a secret, and nothing was written.
   * `NotAllowedError`: anyone can read the destination.
   */
  export(options: ExportOptions): Promise<ExportedTables>;

  /** Shows that the agent is alive. So do claiming, sending and changing memory. */
  heartbeat(summary?: string): Promise<void>;

  /**
   * Mirrors one session of this machine, redacted and exactly once, like `tracecraft session mirror`.
   * `NotFoundError`: no such session. `PartialError`: something is still behind.
   */
  mirrorSession(options: MirrorOptions): Promise<MirroredSession>;
  /**
   * Sums up a mirrored session in Markdown, for an agent of any harness that goes on with the work,
   * like `tracecraft session brief`. `session` is its id, the beginning of it, or words of its title.
   */
  brief(session: string, options?: BriefOptions): Promise<Brief>;
  /**
   * Lays a mirrored session back so that its harness can resume it, like `tracecraft session
   * restore`, and runs nothing. `LostError`: what is here is different, it split, or it is running.
   * `BlockedError`: a session that it continues is missing. `NotAllowedError`: refused as unsafe.
   * `PartialError`: a part is missing.
   */
  restore(session: string, options?: RestoreOptions): Promise<RestoredSession>;

  /** Frees sockets. Call nothing afterwards. */
  close(): Promise<void>;
}

export interface NewPlannedStep {
  readonly id: string;
  readonly title?: string | undefined;
  /** Steps that must be complete first. */
  readonly needs?: readonly string[] | undefined;
  /** 0 comes first, 9 last. Default: 5. */
  readonly priority?: number | undefined;
  /** The only agent that can take it with `claimNext`. */
  readonly assign?: string | undefined;
  /** Globs of the files it will change, separated by commas: advice to others. */
  readonly paths?: string | undefined;
}

export interface ReadyStep {
  readonly step: string;
  readonly title: string | null;
  readonly needs: readonly string[];
  readonly priority: number;
}

export interface NextOptions extends Pick<ClaimOptions, 'ttlMs'> {
  /** Only steps of this priority or a higher one. */
  readonly priority?: number | undefined;
  /** Milliseconds to wait for a step to become ready. Default: not at all. */
  readonly timeoutMs?: number | undefined;
}

export interface ReviewOptions {
  readonly note?: string | undefined;
  /** Who is told of an approval. */
  readonly to?: string | undefined;
  /** Allows reviewing a step that this agent handed over itself. */
  readonly force?: boolean | undefined;
}

export interface ClaimOptions {
  /**
   * Milliseconds without a heartbeat after which others may take the step over; `null`: never. Default: the config's,
   * or 2 h.
   */
  readonly ttlMs?: number | null | undefined;
  /** Takes a finished step again, as a new epoch. */
  readonly reopen?: boolean | undefined;
  /**
   * Moves a claim held under this name, here or elsewhere, here as a new epoch; its former holder
   * is fenced.
   */
  readonly mine?: boolean | undefined;
  /** Even if a step that it needs is not complete; otherwise that is a `BlockedError`. */
  readonly force?: boolean | undefined;
}

export type ClaimAnswer = Claimed | NotClaimed;

export interface Claimed {
  readonly claimed: true;
  readonly step: string;
  /** The fencing token: increases with each takeover or reopening. */
  readonly epoch: number;
  readonly how: 'fresh' | 'released' | 'expired' | 'reopened' | 'mine';
  /** Its previous holder. */
  readonly from: { readonly agent: string; readonly epoch: number } | undefined;
  /** The store does not arbitrate: another agent may believe it won too. */
  readonly isBestEffort: boolean;
}

export interface NotClaimed {
  readonly claimed: false;
  readonly step: string;
  readonly reason: 'held' | 'done';
  /** The agent that holds it or finished it. */
  readonly holder: { readonly agent: string; readonly epoch: number };
  /** It is held under this agent's own name: by another process, or from an earlier win here. */
  readonly isOwnName: boolean;
}

export interface EndOptions {
  /** The epoch you won, wherever that was. */
  readonly epoch?: number | undefined;
  /** Ends it whoever holds it. A finished step stays as it is. */
  readonly force?: boolean | undefined;
}

export type Outcome = 'complete' | 'blocked' | 'needs_review';

export interface Report extends EndOptions {
  /** Default: 'complete'. */
  readonly outcome?: Outcome | undefined;
  readonly note?: string | undefined;
  /** Who continues; gets a message that names the step. */
  readonly nextAgent?: string | undefined;
  readonly nextAction?: string | undefined;
  readonly changedFiles?: readonly string[] | undefined;
  /** Uploaded artifacts: of this step, shared, or as `STEP/NAME`. */
  readonly artifacts?: readonly string[] | undefined;
}

export interface Handoff {
  readonly step: string;
  readonly outcome: Outcome;
  readonly from: string | null;
  readonly nextAgent: string | null;
  readonly nextAction: string | null;
  readonly note: string | null;
  /** ISO 8601, by the store's clock. */
  readonly at: string | null;
  readonly epoch: number;
  readonly changedFiles: readonly string[];
  /** As `STEP/NAME`. */
  readonly artifacts: readonly string[];
}

export interface Step {
  readonly step: string;
  readonly status: 'pending' | 'in_progress' | Outcome;
  /** Its holder, or its last one. */
  readonly agent: string | null;
  readonly epoch: number;
  /** The holder has been silent for its TTL: the next claim takes the step over. */
  readonly isExpired: boolean;
  readonly note: string | null;
}

export interface WaitOptions {
  /** Milliseconds. */
  readonly timeoutMs: number;
}
