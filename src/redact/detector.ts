import type { ScanContext } from './scan-context.js';

/** Looks for secrets around one literal. */
export interface Detector {
  /** Cheap, on bytes alone: whether there is any point in looking closer at the anchor at `at`. */
  isWorthwhile(bytes: Buffer, at: number): boolean;
  /** Whether it is asked even inside of a token that was found: what it finds may lie behind. */
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
