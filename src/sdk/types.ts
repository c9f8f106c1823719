// What the package's declarations are made of: nothing is imported here, so that they stand on their own.

/** Where the bucket is: the fields of `.tracecraft.json`, of which docs/configuration.md tells. */
export interface Destination {
  readonly backend: 'local' | 's3' | 'hf';
  /** A folder (`~` is your home, a relative path is relative to `cwd`), or the bucket's name. */
  readonly bucket: string;
  /** The first part of all keys. */
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
  /** Further secrets, as regular expressions: each becomes `[REDACTED:<name>]`. */
  readonly patterns?: readonly { readonly name: string; readonly pattern: string }[] | undefined;
  /** Texts that look like a secret and are none. */
  readonly allow?: readonly string[] | undefined;
  /** Kinds to leave alone. */
  readonly disable?: readonly string[] | undefined;
}

export interface OpenOptions {
  /** Left out: the config that holds in `cwd`, as for the command line. */
  readonly destination?: Destination | undefined;
  /** Who acts. Left out: TRACECRAFT_AGENT, or the config's `agent_id`. */
  readonly agent?: string | undefined;
  /** Of the session that acts, for claims that only it may end. Left out: what the harness's environment names. */
  readonly sessionId?: string | undefined;
  /** Left out: the current folder. */
  readonly cwd?: string | undefined;
  /** Replaces what looks like a secret in notes, mail and memory. Otherwise it is shared as it is, with a warning. */
  readonly redact?: boolean | undefined;
  /** Told what a command would say on stderr. Left out: nobody is told. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** One bucket, as one agent. What goes wrong is a `TracecraftError`; losing a race for a claim or a value is an answer. */
export interface Tracecraft {
  /** Safe to print: no credential in it. */
  readonly location: string;
  readonly project: string;
  /** `undefined`: nobody said who acts, so there is only reading and mirroring. */
  readonly agent: string | undefined;
  /** Whether the store was seen to decide races. Where it does not, claims are best-effort. */
  readonly isArbitrated: boolean;
  readonly memory: Memories;
  readonly artifacts: Artifacts;

  /** Takes a step, so that nobody else works on it. Claiming what is yours already starts its TTL again. */
  claim(step: string, options?: ClaimOptions): Promise<ClaimAnswer>;
  /** Ends a step and hands it over. `LostError` when it is not yours any more; then nothing was changed. */
  complete(step: string, report?: Report): Promise<Handoff>;
  /** Gives a step back that is not done. `LostError` as for `complete`. */
  release(step: string, options?: EndOptions): Promise<void>;
  /** What the last holder says to the next; `undefined`: it was not handed over yet. */
  handoff(step: string): Promise<Handoff | undefined>;
  steps(): Promise<readonly Step[]>;
  /** Until all of them are complete. `BlockedError` once one is blocked, `TimedOutError` when the time is up. */
  waitFor(steps: string | readonly string[], options: WaitOptions): Promise<readonly Step[]>;

  /** One message to one agent, whether it runs now or later. */
  send(to: string, message: string, about?: About): Promise<SentMessage>;
  /** One message to every agent. */
  broadcast(message: string, about?: About): Promise<SentMessage>;
  /** All mail, in the order in which it was sent. Consumes nothing. */
  inbox(): Promise<readonly Message[]>;
  /** What this agent has not seen, on whichever machine. It stays new until `markSeen`. */
  newMail(): Promise<NewMail>;

  /** A sign of life. Claims, mail and changes of memory are one, too. */
  heartbeat(summary?: string): Promise<void>;

  /**
   * Mirrors one session of this machine, redacted and exactly once, as `tracecraft session mirror` does. `NotFoundError`: no
   * such session. `PartialError`: something is still behind.
   */
  mirrorSession(options: MirrorOptions): Promise<MirroredSession>;

  /** Frees sockets. Nothing is called afterwards. */
  close(): Promise<void>;
}

export interface ClaimOptions {
  /** Milliseconds without a sign of life after which others may take it over, `null`: never. Left out: the config's, or 2 h. */
  readonly ttlMs?: number | null | undefined;
  /** Take a step that is done, as a new epoch. */
  readonly reopen?: boolean | undefined;
}

export type ClaimAnswer = Claimed | NotClaimed;

export interface Claimed {
  readonly claimed: true;
  readonly step: string;
  /** The fencing token: one more at each takeover or reopening. */
  readonly epoch: number;
  readonly how: 'fresh' | 'released' | 'expired' | 'reopened' | 'renewed';
  /** Whose it was before. */
  readonly from: { readonly agent: string; readonly epoch: number } | undefined;
  /** The store does not arbitrate: another may believe the same. */
  readonly isBestEffort: boolean;
}

export interface NotClaimed {
  readonly claimed: false;
  readonly step: string;
  readonly reason: 'held' | 'done';
  /** Who holds it, or has done it. */
  readonly holder: { readonly agent: string; readonly epoch: number };
}

export interface EndOptions {
  /** The claim is yours, made elsewhere under your name. */
  readonly epoch?: number | undefined;
  /** Whoever holds it. */
  readonly force?: boolean | undefined;
}

export type Outcome = 'complete' | 'blocked' | 'needs_review';

export interface Report extends EndOptions {
  /** 'complete' unless said otherwise. */
  readonly outcome?: Outcome | undefined;
  readonly note?: string | undefined;
  /** Who goes on; gets a message that names the step. */
  readonly nextAgent?: string | undefined;
  readonly nextAction?: string | undefined;
  readonly changedFiles?: readonly string[] | undefined;
  /** Uploaded ones, of this step or shared, or as `STEP/NAME`. */
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
  /** Who holds it, or had it last. */
  readonly agent: string | null;
  readonly epoch: number;
  /** The holder was silent for its TTL: the next claim takes it over. */
  readonly isExpired: boolean;
  readonly note: string | null;
}

export interface WaitOptions {
  /** Milliseconds. */
  readonly timeoutMs: number;
}

export interface About {
  readonly step?: string | undefined;
  /** The id of the message that it answers. */
  readonly replyTo?: string | undefined;
}

export interface SentMessage {
  readonly id: string;
  /** ISO 8601, by the store's clock. */
  readonly sentAt: string;
}

export interface Message {
  readonly id: string;
  readonly from: string;
  /** Sent to this agent alone, or to all. */
  readonly kind: 'direct' | 'broadcast';
  readonly message: string;
  readonly sentAt: string;
  readonly step: string | null;
  readonly replyTo: string | null;
}

export interface NewMail {
  readonly messages: readonly Message[];
  /** To be called once they were dealt with. `false`: other processes read the same mailbox at once, and some may come again. */
  markSeen(): Promise<boolean>;
}

/** Values that all agents of the project share; each change is the next version. */
export interface Memories {
  /** `undefined`: there is none, or it was deleted. */
  get(key: string): Promise<Memory | undefined>;
  set(key: string, value: unknown, condition?: MemoryCondition): Promise<MemoryAnswer>;
  /** `NotFoundError` when there is none. */
  delete(key: string, condition?: Pick<MemoryCondition, 'ifVersion'>): Promise<MemoryAnswer>;
  list(prefix?: string): Promise<readonly Memory[]>;
}

export interface MemoryCondition {
  /** Only when there is no value. */
  readonly ifAbsent?: boolean | undefined;
  /** Only when this is the present version; 0: when there never was one. */
  readonly ifVersion?: number | undefined;
}

export interface Memory {
  readonly key: string;
  /** Any JSON. */
  readonly value: unknown;
  readonly version: number;
  readonly setBy: string | null;
  /** ISO 8601, by the store's clock. */
  readonly setAt: string | null;
  readonly isDeleted: boolean;
}

export type MemoryAnswer =
  | { readonly written: true; readonly memory: Memory }
  /** What is there instead; `undefined`: there never was a value. */
  | { readonly written: false; readonly present: Memory | undefined };

/** Files that agents produce. */
export interface Artifacts {
  /** A file of any size, replacing what is there of its name. Shared, unless a step is named. */
  upload(path: string, options?: UploadOptions): Promise<Artifact>;
  /** Into `folder` under its own name, checked against the SHA-256 of its upload. Gives the path. */
  download(name: string, options: DownloadOptions): Promise<string>;
  list(step?: string): Promise<readonly Artifact[]>;
}

export interface UploadOptions {
  readonly step?: string | undefined;
  /** What it is called in the bucket; `/` makes folders. Left out: the file's own name. */
  readonly name?: string | undefined;
}

export interface DownloadOptions {
  readonly folder: string;
  /** Left out: a shared one, or `STEP/NAME`. */
  readonly step?: string | undefined;
  /** Replaces a file that is there. */
  readonly force?: boolean | undefined;
}

export interface Artifact {
  readonly step: string;
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex; `null`: nothing was recorded of what is there. */
  readonly sha256: string | null;
}

export interface MirrorOptions {
  readonly harness: string;
  /** Or a unique beginning of it. Left out: the newest that was started in `cwd`. */
  readonly sessionId?: string | undefined;
  /** Left out: that of `open`. */
  readonly cwd?: string | undefined;
}

export interface MirroredSession {
  readonly sessionId: string;
  readonly harness: string;
  /** Parts that were sent now; 0: nothing was new. */
  readonly parts: number;
}
