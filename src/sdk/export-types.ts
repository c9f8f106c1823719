// Imports nothing, like the package's other declarations.

export interface ExportOptions {
  /** A folder, `s3://BUCKET/PREFIX` or `hf://USER/BUCKET/PREFIX`; these take their credentials from the environment. */
  readonly to: string;
  /** Default: 'parquet'. */
  readonly format?: 'parquet' | 'jsonl' | undefined;
  /** Ids, beginnings of them, or words of titles. Default: all sessions. */
  readonly sessions?: readonly string[] | undefined;
  /** Only sessions active since then; not with `sessions`. */
  readonly since?: Date | undefined;
  /** Also to a bucket that anyone can read. */
  readonly public?: boolean | undefined;
}

export interface ExportedTables {
  readonly location: string;
  readonly sessions: number;
  /** Files made now; none if nothing was new. */
  readonly written: readonly string[];
  readonly removed: readonly string[];
  /** How many rows each table has. */
  readonly rows: Readonly<Record<string, number>>;
  /** Objects that could not be read: the tables are complete if it is 0. */
  readonly unread: number;
}
