import type { Etag } from './bucket.js';
import { Digests } from './digests.js';

/** The ETag most stores give a content: its MD5 in quoted lower-case hex. */
export function etagOf(body: Uint8Array): Etag {
  return quotedMd5(new Digests(body).md5);
}

export function quotedMd5(hex: string): Etag {
  return `"${hex}"`;
}

/** The MD5 in an ETag, if it has that form. Those of multipart and encrypted objects do not. */
export function md5Of(etag: Etag | undefined): string | undefined {
  return etag === undefined ? undefined : /^"?([0-9a-f]{32})"?$/.exec(etag)?.[1];
}

/** In HTTP's spelling: some stores omit the quotes in some answers. */
export function spellEtag(etag: string): Etag {
  return etag.includes('"') ? etag : `"${etag}"`;
}
