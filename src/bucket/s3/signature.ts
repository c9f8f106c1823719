import { createHash, createHmac } from 'node:crypto';
import { Digests } from '../digests.js';

export interface Signer {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken: string | undefined;
  readonly region: string;
}

export interface Unsigned {
  readonly method: string;
  readonly host: string;
  /** Encoded: exactly this text is signed and sent. */
  readonly path: string;
  readonly query: readonly (readonly [name: string, value: string])[];
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
  /** The body's, in hex, if known. */
  readonly sha256?: string | undefined;
}

export interface Signed {
  /** Path and query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
}

const emptySha256 = createHash('sha256').update('').digest('hex');
const keys = new Map<string, Buffer>();

/** Signature Version 4 in a header: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
export function signed(request: Unsigned, signer: Signer, now: Date): Signed {
  const time = now.toISOString().replace(/[-:]|\.\d{3}/g, '');
  const scope = `${time.slice(0, 8)}/${signer.region}/s3/aws4_request`;
  const { body, path, method } = request;
  const hash = request.sha256 ?? sha256Of(body);
  const headers: Record<string, string> = {
    ...request.headers,
    host: request.host,
    'x-amz-content-sha256': hash,
    'x-amz-date': time,
    ...(signer.sessionToken === undefined ? {} : { 'x-amz-security-token': signer.sessionToken }),
  };
  const names = Object.keys(headers).sort();
  const lines = names.map((name) => `${name}:${(headers[name] ?? '').trim()}\n`).join('');
  const query = request.query
    .map(([name, value]) => `${encodeSegment(name)}=${encodeSegment(value)}`)
    .sort()
    .join('&');
  const canonical = `${method}\n${path}\n${query}\n${lines}\n${names.join(';')}\n${hash}`;
  const digest = createHash('sha256').update(canonical).digest('hex');
  const signature = createHmac('sha256', signingKey(scope, signer.secretKey))
    .update(`AWS4-HMAC-SHA256\n${time}\n${scope}\n${digest}`)
    .digest('hex');
  const credential = `${signer.accessKey}/${scope}`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return {
    target: query === '' ? path : `${path}?${query}`,
    headers: { ...headers, authorization },
  };
}

function sha256Of(body: Buffer | undefined): string {
  return body === undefined ? emptySha256 : new Digests(body).sha256;
}

/** Everything but RFC 3986's unreserved characters, as the signature requires. */
export function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The same for a whole day. */
function signingKey(scope: string, secretKey: string): Buffer {
  const of = `${scope}\n${secretKey}`;
  const known = keys.get(of);
  if (known !== undefined) return known;
  const key = scope
    .split('/')
    .reduce<Buffer>(
      (above, part) => createHmac('sha256', above).update(part).digest(),
      Buffer.from(`AWS4${secretKey}`),
    );
  keys.clear();
  keys.set(of, key);
  return key;
}
