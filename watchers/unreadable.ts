import { SourceError, TracecraftError } from '../src/errors.js';

/** Why something on this machine's disk cannot be read, reported once, with its path. */
export function unreadable(path: string, cause: unknown): TracecraftError {
  if (cause instanceof TracecraftError) return cause;
  const code = systemCode(cause);
  if (code === 'EACCES' || code === 'EPERM') {
    return new SourceError('not-allowed', `cannot read ${path}: permission denied (${code})`, {
      hint: 'Run tracecraft as the user who owns the transcripts, or let this user read them.',
      cause,
    });
  }
  return new SourceError('unreachable', `cannot read ${path}: ${code ?? String(cause)}`, {
    hint: 'The next sweep tries again; nothing is lost.',
    cause,
  });
}

/** Something with a transcript's place or name that is left out, and why. */
export function passedOver(path: string, reason: string): SourceError {
  return new SourceError('not-allowed', `passed over: ${path}: ${reason}`, {
    hint: 'Put the transcript itself there, under a plain name, or remove it.',
  });
}

/**
 * Whether opening failed because the path is not a regular file: a symbolic link as the last component (Linux, macOS:
 * `ELOOP`, FreeBSD: `EMLINK`), a socket or a device (`ENXIO`).
 */
export function isNoFile(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ELOOP' || code === 'EMLINK' || code === 'ENXIO';
}

/** Reports each problem once: every sweep meets the same ones again. */
export function eachOnce(tell: (error: TracecraftError) => void): (error: TracecraftError) => void {
  const told = new Set<string>();
  return (error) => {
    if (told.has(error.message)) return;
    if (told.size >= maxRemembered) told.clear();
    told.add(error.message);
    tell(error);
  };
}

const maxRemembered = 1_000;

function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
