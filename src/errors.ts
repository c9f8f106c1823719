/**
 * Every failure a user can meet, in as few classes as possible. `exitCode` is the process's answer
 * (docs/commands.md), `hint` the next thing to do, `retryable` whether the same call may succeed later. Losing a race
 * is a value, not an error, until a command has to report it.
 */
export type ErrorKind =
  | 'usage'
  | 'not-found'
  | 'lost'
  | 'blocked'
  | 'timed-out'
  | 'not-allowed'
  | 'unreachable'
  | 'refused'
  | 'partial'
  | 'unsupported'
  | 'damaged';

export interface ErrorOptions {
  readonly hint?: string;
  /** What a script may want to know; printed beside the message with `--json`. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** What there is to choose from, a line each. */
  readonly choices?: readonly string[];
  readonly cause?: unknown;
}

const exitCodes: Readonly<Record<ErrorKind, number>> = {
  damaged: 1,
  usage: 2,
  unsupported: 2,
  'not-found': 3,
  lost: 4,
  blocked: 5,
  'timed-out': 6,
  'not-allowed': 7,
  unreachable: 8,
  refused: 9,
  partial: 10,
};

export class TracecraftError extends Error {
  readonly kind: ErrorKind;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly choices: readonly string[];
  readonly exitCode: number;
  readonly retryable: boolean = false;

  constructor(kind: ErrorKind, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.kind = kind;
    this.hint = options.hint;
    this.details = options.details;
    this.choices = options.choices ?? [];
    this.exitCode = exitCodes[kind];
  }
}

/** A flag, name, config field or document that cannot be what it claims to be. Refused before any request. */
export class UsageError extends TracecraftError {
  constructor(message: string, options?: ErrorOptions) {
    super('usage', message, options);
  }
}

/** The named thing does not exist. */
export class NotFoundError extends TracecraftError {
  constructor(message: string, options?: ErrorOptions) {
    super('not-found', message, options);
  }
}

/** Someone else won: claimed, fenced, changed or locked. */
export class LostError extends TracecraftError {
  constructor(message: string, options?: ErrorOptions) {
    super('lost', message, options);
  }
}

/** What was awaited or requested is blocked. */
export class BlockedError extends TracecraftError {
  constructor(message: string, options?: ErrorOptions) {
    super('blocked', message, options);
  }
}

/** It did not happen in time. */
export class TimedOutError extends TracecraftError {
  override readonly retryable = true;

  constructor(message: string, options?: ErrorOptions) {
    super('timed-out', message, options);
  }
}

/** Credentials missing or refused, or an untrusted config. */
export class NotAllowedError extends TracecraftError {
  constructor(message: string, options?: ErrorOptions) {
    super('not-allowed', message, options);
  }
}

/** The store did not answer, or said it cannot right now. `retryAfterMs` is the store's own wish, if any. */
export class UnreachableError extends TracecraftError {
  override readonly retryable = true;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: ErrorOptions & { readonly retryAfterMs?: number } = {}) {
    super('unreachable', message, options);
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Something on this machine's disk cannot be read: not the store's fault, and no reason to stop the rest. */
export class SourceError extends TracecraftError {
  override readonly retryable = true;

  constructor(kind: 'not-allowed' | 'unreachable', message: string, options?: ErrorOptions) {
    super(kind, message, options);
  }
}

/** The request needs a capability this store does not have. */
export class UnsupportedError extends TracecraftError {
  constructor(message: string, options?: ErrorOptions) {
    super('unsupported', message, options);
  }
}

/** To go on would leak something, or begin anew where something is missing; nothing was sent. */
export class RefusedError extends TracecraftError {
  constructor(message: string, options?: ErrorOptions) {
    super('refused', message, options);
  }
}

/** Partly done; the message says what is missing. */
export class PartialError extends TracecraftError {
  constructor(message: string, options?: ErrorOptions) {
    super('partial', message, options);
  }
}

/** What anything thrown says. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message === '' ? error.name : error.message;
}
