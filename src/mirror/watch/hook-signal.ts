export const hookSignalKinds = ['started', 'advanced', 'ended'] as const;
export type HookSignalKind = (typeof hookSignalKinds)[number];

/**
 * What a harness's hook reported about a session. A hint: it makes the mirror check sooner, and says that a session
 * ended.
 */
export interface HookSignal {
  readonly harness: string;
  readonly kind: HookSignalKind;
  /** `undefined`: some session of this harness. */
  readonly sessionId: string | undefined;
  /** Where the harness says the transcript is. */
  readonly path: string | undefined;
  /** Milliseconds since the epoch, by this machine's clock. */
  readonly atMs: number;
}

/** Where signals wait until a watch takes them. */
export interface HookSignals {
  /** The folder they lie in, made if need be, so that file events can tell of them; `undefined`: ask again and again. */
  folder?(): string | undefined;
  /** The signals waiting now, oldest first. Cheap if none arrived since the last call. Never throws. */
  waiting(): Promise<readonly HookSignal[]>;
  /** Takes a signal: it no longer waits, unless the same was reported again meanwhile. */
  take(hookSignal: HookSignal): Promise<void>;
}
