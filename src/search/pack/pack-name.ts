import { createHash } from 'node:crypto';

const pattern = /^[a-f0-9]{32}\.pack$/;

/** Packs are named by content, so whoever writes the same one twice writes one. */
export function packName(bytes: Buffer): string {
  return `${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}.pack`;
}

export function isPackName(name: string): boolean {
  return pattern.test(name);
}
