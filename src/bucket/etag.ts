import { createHash } from 'node:crypto';
import type { Etag } from './bucket.js';

/** What most stores call a content: its MD5 as quoted lower-case hex. */
export function etagOf(body: Uint8Array): Etag {
  return quotedMd5(createHash('md5').update(body).digest('hex'));
}

export function quotedMd5(hex: string): Etag {
  return `"${hex}"`;
}

/** The MD5 that an ETag has the form of, if it does. Multipart and encrypted objects have others. */
export function md5Of(etag: Etag | undefined): string | undefined {
  return etag === undefined ? undefined : /^"?([0-9a-f]{32})"?$/.exec(etag)?.[1];
}

/** As HTTP spells it: some stores leave the quotes out in some of their answers. */
export function spellEtag(etag: string): Etag {
  return etag.includes('"') ? etag : `"${etag}"`;
}
