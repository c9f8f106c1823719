const firstPauseMs = 500;
const longestPauseMs = 5_000;

/** Pauses that grow from half a second to five, until time runs out. */
export interface Pauses {
  /** Milliseconds; zero or negative once time is up. */
  leftMs(): number;
  /** No pause has been taken yet. */
  isFirst(): boolean;
  pause(): Promise<void>;
}

/** `now` returns milliseconds, by whichever clock the time should be measured. */
export function growingPauses(
  now: () => number,
  sleep: (ms: number) => Promise<void>,
  timeoutMs: number,
): Pauses {
  const deadline = now() + timeoutMs;
  let pauseMs = firstPauseMs;
  const leftMs = (): number => deadline - now();
  return {
    leftMs,
    isFirst: () => pauseMs === firstPauseMs,
    pause: async () => {
      await sleep(Math.min(pauseMs, leftMs()));
      pauseMs = Math.min(pauseMs * 1.5, longestPauseMs);
    },
  };
}
