import { alphabet, runEnd } from '../alphabet.js';

const letters = alphabet('a-z0-9');
const groups = 4;
const groupLength = 4;

/** Passwords for single programs, as Google, Apple and Bluesky issue them: `abcd-efgh-ijkl-mnop`. */
export const issued = /^[a-z0-9]{4}(?:[ -][a-z0-9]{4}){3}$/;

/** Whether one with hyphens begins at `start`. */
export function isIssuedAt(bytes: Buffer, start: number): boolean {
  for (let group = 0; group < groups; group += 1) {
    const at = start + group * (groupLength + 1);
    if (runEnd(bytes, at, letters, at + groupLength + 1) !== at + groupLength) return false;
    if (group < groups - 1 && bytes[at + groupLength] !== 0x2d) return false;
  }
  return true;
}
