import type { ScanContext } from './scan-context.js';

/** Looks for secrets around one literal. */
export interface Detector {
  /** A cheap check on the bytes: whether the anchor at `at` deserves a closer look. */
  isWorthwhile(bytes: Buffer, at: number): boolean;
  /** Whether to run it even inside a token that was already found: its secret may come after. */
  readonly looksBehind?: boolean;
  /** Adds what it finds to the context. */
  detect(context: ScanContext, at: number): void;
}

/** A detector and a literal that triggers it. */
export interface Trigger {
  readonly literal: string;
  /** ASCII letters match in either case; the literal is then in lower case. */
  readonly fold?: boolean;
  readonly detector: Detector;
}
