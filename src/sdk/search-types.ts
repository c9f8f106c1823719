// Imports nothing, like the package's other declarations.

export interface SearchOptions {
  /** One of the words is enough. */
  readonly any?: boolean | undefined;
  readonly whole?: boolean | undefined;
  /** Words match anywhere, also inside of others. */
  readonly substring?: boolean | undefined;
  /** The words are one regular expression. */
  readonly regex?: boolean | undefined;
  /** Default: all but events. */
  readonly kinds?: readonly SearchKind[] | undefined;
  readonly agent?: string | undefined;
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
  /** The newest hits of each session, and of each other kind. Default: 3. */
  readonly perSession?: number | undefined;
  /** The following are about sessions only. */
  readonly harness?: string | undefined;
  readonly host?: string | undefined;
  /** Sessions that worked in or below this folder. */
  readonly folder?: string | undefined;
  readonly role?: SearchRole | undefined;
  readonly tool?: string | undefined;
  /** Default: true. */
  readonly subagents?: boolean | undefined;
  /** Reads the transcripts themselves, whatever is packed. */
  readonly scan?: boolean | undefined;
}

export type SearchKind = 'session' | 'mail' | 'memory' | 'handoff' | 'event';
export type SearchRole = 'user' | 'assistant' | 'tool' | 'system';

export interface SearchAnswer {
  readonly hits: readonly SearchHit[];
  /** What could not be read, each with the reason. */
  readonly unread: readonly string[];
}

export type SearchHit = RowHit | DocumentHit;

/** A row of a transcript. */
export interface RowHit {
  readonly kind: 'session';
  readonly harness: string;
  readonly session: string;
  /** Empty for the main one. */
  readonly stream: string;
  /** From 0. */
  readonly line: number;
  readonly role: SearchRole;
  readonly tool: string | null;
  /** ISO 8601. */
  readonly at: string | null;
  readonly text: string;
}

export interface DocumentHit {
  readonly kind: Exclude<SearchKind, 'session'>;
  /** Of a message or an event, its id; of a memory, its key; of a handoff, its step. */
  readonly id: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly step: string | null;
  /** ISO 8601. */
  readonly at: string | null;
  readonly text: string;
}
