import type { Alphabet } from './alphabet.js';

/**
 * One kind of secret with a recognisable shape. A row contains only facts; the detector derives the
 * rest from the shape. Every match must contain one of the anchors (three bytes or more,
 * case-sensitive) `lead` bytes after its start, and every quantifier must be bounded.
 *
 * A shape that ends in an open range (`{36,255}`) continues to the end of the run of such bytes, so
 * that no part of a longer token remains; one that ends in an exact count must not be followed by
 * another word byte.
 */
export interface Rule {
  /** `[a-z0-9-]+`; used in the marker, in the counts and in the user's `disabledKinds`. */
  readonly kind: string;
  readonly anchors: readonly string[];
  /** If there is a group named `secret`, only that is replaced. */
  readonly shape: RegExp;
  /**
   * The match before the anchor: a number of bytes, or those of a set that end where the anchor
   * begins.
   */
  readonly lead?: number | Alphabet;
  /** Bytes that may not precede the match, if they are not word bytes. */
  readonly notAfter?: Alphabet;
  /** The anchor alone says little, so the rest must look random. */
  readonly weak?: boolean;
  /** The anchor is a word used in names (`cache-key-…`), so it must be the start of one. */
  readonly isWord?: boolean;
  /** Redacts even what looks like a placeholder or a word. */
  readonly evenPlaceholders?: boolean;
  readonly accepts?: (secret: string) => boolean;
  /** Where the facts come from. */
  readonly source: string;
  /** A template (`ghp_<alnum:36>`), so that no complete token is in the repository. */
  readonly example: string;
}

/**
 * One kind of secret that is recognised only by its name: `DD_API_KEY=<32 hex>`. Names are compared
 * without case and separators (`ddapikey`); the shape must match the whole value.
 */
export interface NamedRule {
  readonly kind: string;
  readonly name: RegExp;
  readonly shape: RegExp;
  readonly source: string;
  readonly example: string;
}

/** A kind with a detector of its own; listed so that every kind has a row. */
export interface StructureRule {
  readonly kind: string;
  readonly source: string;
  /** Marks the secret with `⟦` and `⟧` if it is only part of the example. */
  readonly example: string;
}

/** A program that takes a secret among its arguments, and the secret's position. */
export interface CommandRule {
  /** Default: `command-password`. */
  readonly kind?: string;
  /** Names of programs, with subcommands where they matter. */
  readonly programs: readonly string[];
  /** Flags whose value is the secret, as a separate argument or after `=`. */
  readonly flags?: readonly string[];
  /** Flags joined to the secret: `-pSECRET`. */
  readonly joined?: readonly string[];
  /** Flags whose value is a name, a separator and the secret. */
  readonly pairs?: readonly string[];
  readonly joinedPairs?: readonly string[];
  /** Default: `:`. */
  readonly separators?: string;
  /**
   * Positions of the secret among the arguments, not counting flags and their values; negative from
   * the end. With `separators`, pairs.
   */
  readonly arguments?: readonly number[];
  /** What at least one argument must look like. */
  readonly needs?: RegExp;
  /** What precedes the secret and stays. */
  readonly prefix?: RegExp;
  /** The secret is a token, so a word does not count. */
  readonly isToken?: boolean;
  readonly source: string;
  readonly example: string;
}
