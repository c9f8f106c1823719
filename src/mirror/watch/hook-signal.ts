export const hookSignalKinds = ['started', 'advanced', 'ended'] as const;
export type HookSignalKind = (typeof hookSignalKinds)[number];

/** What a harness's hook told of a session. A hint: it makes the mirror look earlier, and says that a session ended. */
export interface HookSignal {
  readonly harness: string;
  readonly kind: HookSignalKind;
  /** `undefined`: some session of this harness. */
  readonly sessionId: string | undefined;
  /** Where the harness says that the transcript lies. */
  readonly path: string | undefined;
  /** Milliseconds since the epoch, by this machine's clock. */
  readonly atMs: number;
}

/** Where marks wait until somebody takes them. */
export interface HookSignals {
  /** Those that wait now, the oldest first. Cheap when nothing was dropped since. Never throws. */
  waiting(): Promise<readonly HookSignal[]>;
  /** Taken: it does not wait any more, unless the same was told again meanwhile. */
  take(hookSignal: HookSignal): Promise<void>;
}
