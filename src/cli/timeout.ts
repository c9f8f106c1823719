import { parseDuration } from '../config/duration.js';

/** Milliseconds of `--timeout`; a bare number means seconds. */
export function parseTimeout(text: string): number {
  return /^\d{1,7}$/.test(text) ? Number(text) * 1000 : parseDuration('--timeout', text);
}
