import type { Alphabet } from './alphabet.js';

/**
 * One kind of secret that has a shape of its own. A row is facts only; `token-detector.ts` reads from the shape what else it
 * needs. Every match must hold one of the anchors (three bytes or more, case-sensitive) `lead` bytes after its start, and
 * every quantifier must be bounded.
 *
 * A shape that ends in an open range (`{36,255}`) goes on to the end of the run of the same bytes, so that no part of a
 * longer token stays behind; one that ends in an exact count must not be followed by another byte of a word.
 */
export interface Rule {
  /** `[a-z0-9-]+`; stands in the marker, in the counts and in the user's `disabledKinds`. */
  readonly kind: string;
  readonly anchors: readonly string[];
  /** The group named `secret`, if there is one, is all that is replaced. */
  readonly shape: RegExp;
  /** Bytes of the match before the anchor: a number, or those of a set that end where the anchor begins. */
  readonly lead?: number | Alphabet;
  /** What may not stand before the match, when it is something else than the bytes of a word. */
  readonly notAfter?: Alphabet;
  /** The anchor says little: the rest must look random. */
  readonly weak?: boolean;
  /** The anchor is a word that names are made of (`cache-key-…`), so it must begin one. */
  readonly isWord?: boolean;
  /** Also what looks like a placeholder or a word is redacted. */
  readonly evenPlaceholders?: boolean;
  readonly accepts?: (secret: string) => boolean;
  /** Where the facts come from. */
  readonly source: string;
  /** A template (`ghp_<alnum:36>`), so that no complete token is in the repository. */
  readonly example: string;
}

/**
 * One kind of secret that only its name gives away: `DD_API_KEY=<32 hex>`. The name is compared without case and
 * separators (`ddapikey`); the shape must match the whole value.
 */
export interface NamedRule {
  readonly kind: string;
  readonly name: RegExp;
  readonly shape: RegExp;
  readonly source: string;
  readonly example: string;
}

/** A kind that a detector of its own finds; listed so that every kind has a row. */
export interface StructureRule {
  readonly kind: string;
  readonly source: string;
  /** Holds the secret between `⟦` and `⟧` where it is less than the whole. */
  readonly example: string;
}

/** A program that takes a secret among its arguments, and where it stands. */
export interface CommandRule {
  /** `command-password` where it is left out. */
  readonly kind?: string;
  /** Names of programs, with subcommands where those matter. */
  readonly programs: readonly string[];
  /** Flags whose value is the secret, apart from it or behind `=`. */
  readonly flags?: readonly string[];
  /** Flags that the secret is joined to: `-pSECRET`. */
  readonly joined?: readonly string[];
  /** Flags whose value is a name, a separator and the secret. */
  readonly pairs?: readonly string[];
  readonly joinedPairs?: readonly string[];
  /** `:` where it is left out. */
  readonly separators?: string;
  /** Which arguments are the secret, flags and their values not counted; negative from the end. With `separators`, pairs. */
  readonly arguments?: readonly number[];
  /** What some argument must look like. */
  readonly needs?: RegExp;
  /** What stands before the secret and stays. */
  readonly prefix?: RegExp;
  /** A token, so that a word is none. */
  readonly isToken?: boolean;
  readonly source: string;
  readonly example: string;
}
