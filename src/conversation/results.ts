import type { Result } from './conversation.js';
import type { DetailTell, ResultPiece } from './row.js';

export function resultOf(piece: ResultPiece, atMs: number | undefined): Result {
  const { text, isError, images, exitCode, durationMs, spilled } = piece;
  const result: { -readonly [Name in keyof Result]: Result[Name] } = { text, isError, images };
  if (atMs !== undefined) result.atMs = atMs;
  if (exitCode !== undefined) result.exitCode = exitCode;
  if (durationMs !== undefined) result.durationMs = durationMs;
  if (spilled !== undefined) result.spilled = spilled;
  return result;
}

/** The harness says so, or the command's exit code does. */
export function hasFailed(result: Pick<Result, 'isError' | 'exitCode'> | undefined): boolean {
  return result !== undefined && (result.isError || (result.exitCode ?? 0) !== 0);
}

/** Of a result reported twice, the fuller one counts, and it is an error if either says so. */
export function joinedResult(known: Result | undefined, more: Result): Result {
  if (known === undefined) return more;
  const [less, fuller] = known.text.length >= more.text.length ? [more, known] : [known, more];
  const isError = known.isError || more.isError;
  return { ...less, ...fuller, isError, images: Math.max(known.images, more.images) };
}

export function detailed(known: Result | undefined, tell: DetailTell): Result | undefined {
  const { text, isError, exitCode, durationMs, diff } = tell;
  if (known === undefined && text === undefined) return undefined;
  const result = known ?? { text: text ?? '', isError: false, images: 0 };
  return {
    ...result,
    text: result.text === '' ? (text ?? '') : result.text,
    isError: result.isError || isError === true,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(durationMs === undefined ? {} : { durationMs }),
    ...(diff === undefined ? {} : { diff }),
  };
}
