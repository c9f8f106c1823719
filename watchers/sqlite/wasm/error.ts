/** A failure with SQLite's result code (https://www.sqlite.org/rescode.html), as `node:sqlite` tells it. */
export class SqliteError extends Error {
  override readonly name = 'SqliteError';
  readonly errcode: number;

  constructor(errcode: number, message: string) {
    super(message);
    this.errcode = errcode;
  }
}

export const resultCodes = {
  ok: 0,
  busy: 5,
  ioError: 10,
  notFound: 12,
  cannotOpen: 14,
  /** What was read is no longer one state. */
  busySnapshot: 517,
  shortRead: 522,
  refusedWrite: 778,
  refusedTruncate: 1546,
  refusedDelete: 2570,
} as const;
