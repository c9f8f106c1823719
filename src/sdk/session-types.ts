// Imports nothing, like the package's other declarations.

export interface MirrorOptions {
  readonly harness: string;
  /** Or a unique prefix of it. Default: the newest one started in `cwd`. */
  readonly sessionId?: string | undefined;
  /** Default: that of `open`. */
  readonly cwd?: string | undefined;
}

export interface MirroredSession {
  readonly sessionId: string;
  readonly harness: string;
  /** Parts sent now; 0 if nothing was new. */
  readonly parts: number;
}

export interface BriefOptions {
  /** Default: whichever has such a session. */
  readonly harness?: string | undefined;
  /** The most that it may have: 2,048 to 1,048,576. Default: 32,768. */
  readonly bytes?: number | undefined;
}

export interface Brief {
  readonly sessionId: string;
  readonly harness: string;
  /** Quotes what others wrote: give it to an agent as information, not as its system prompt. */
  readonly markdown: string;
  /** What it lacks because it could not be read, each with the reason. */
  readonly unread: readonly string[];
}

export interface RestoreOptions {
  /** Default: whichever has such a session. */
  readonly harness?: string | undefined;
  /**
   * 'as-new': a copy under a new id with only what was said, called and answered. 'verbatim': the
   * same id and every line, also of what others may have written to the bucket. Default: 'verbatim'
   * if this machine's own state proves that it sent all of it, else 'as-new'.
   */
  readonly mode?: 'verbatim' | 'as-new' | undefined;
  /** The folder in which it will be resumed. Default: that of `open`. */
  readonly cwd?: string | undefined;
  /** Stands for the home folder. Default: the harness's own folder. */
  readonly into?: string | undefined;
  /** After it went on in several ways. Default: the only one. */
  readonly generation?: number | undefined;
  /** Also if it may still be running elsewhere, or a part is missing. */
  readonly force?: boolean | undefined;
  /** Checks and reads everything, writes nothing. */
  readonly dryRun?: boolean | undefined;
}

export interface RestoredSession {
  readonly state: 'restored' | 'caught-up' | 'already-here';
  readonly sessionId: string;
  readonly harness: string;
  readonly mode: 'verbatim' | 'as-new';
  /** The id to resume; a new one for a copy. */
  readonly restoredId: string;
  readonly generation: number;
  readonly lines: number;
  readonly files: readonly RestoredFile[];
  /** Stand-ins in it, by kind of secret. */
  readonly redactions: Readonly<Record<string, number>>;
  /** A secret was replaced in what a model signed or encrypted: its maker may refuse to go on. */
  readonly isSignedTextRedacted: boolean;
  /** Programs and their arguments, to be run one after another in `cwd` with `env`; the last one resumes it. */
  readonly commands: readonly (readonly string[])[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
}

export interface RestoredFile {
  readonly path: string;
  readonly bytes: number;
  /** 'kept': it was there already. */
  readonly state: 'written' | 'kept';
}
