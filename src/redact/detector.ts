import type { ScanContext } from './scan-context.js';

/** Looks for secrets around one literal. */
export interface Detector {
  /** Cheap, on bytes alone: whether there is any point in looking closer at the anchor at `at`. */
  isWorthwhile(bytes: Buffer, at: number): boolean;
  /** Whether to ask it even inside a token that was already found: what it looks for may come after. */
  readonly looksBehind?: boolean;
  /** Adds what it finds to the context. */
  detect(context: ScanContext, at: number): void;
}

/** A detector and a literal that makes it look. */
export interface Trigger {
  readonly literal: string;
  /** Whether ASCII letters match in either case; the literal is then given in lower case. */
  readonly fold?: boolean;
  readonly detector: Detector;
}
