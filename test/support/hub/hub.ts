import { randomBytes } from 'node:crypto';
import { applyBatch } from './batch.js';
import { BucketState } from './bucket-state.js';
import { serveContent, type Tickets } from './content-server.js';
import { Faults, type HubAnswer, type HubRequest } from './faults.js';
import { listen } from './http.js';
import { XetStore } from './xet-store.js';

export interface HubUser {
  readonly name: string;
  readonly role: 'write' | 'read';
}

export interface Hub {
  /** What `HF_ENDPOINT` is set to. */
  readonly endpoint: string;
  readonly buckets: Map<string, BucketState>;
  readonly faults: Faults;
  /** Every request so far, as `METHOD /path?query`. Those of the content servers begin with `xet:`. */
  readonly seen: string[];
  /** A new user's token, or another one of the same user. */
  token(user: HubUser): string;
  /** The bucket's name. It belongs to the user before the slash. */
  createBucket(id: string, options?: { readonly isPrivate?: boolean }): BucketState;
  /** The content under a path, as stored. */
  content(id: string, path: string): Buffer | undefined;
  /** These paths are refused by every batch, for this reason. */
  refusePaths(what: RegExp | undefined, reason?: string): void;
  stop(): Promise<void>;
}

export interface HubOptions {
  /** Entries per page of a tree. */
  readonly pageSize?: number;
  /** Whether everyone may be refused a private bucket: what an organisation's policy may do. */
  readonly isAlwaysPublic?: boolean;
}

const json = { 'content-type': 'application/json' };

/**
 * The Hub as far as buckets need it, on loopback: what `@huggingface/hub` 2.17.5 sends and expects
 * (https://github.com/huggingface/huggingface.js/tree/main/packages/hub) and https://huggingface.co/docs/hub/storage-buckets
 * say. One origin for the API, another for the content, as in the world.
 */
export async function startHub(options: HubOptions = {}): Promise<Hub> {
  const { pageSize = 1_000, isAlwaysPublic = false } = options;
  const users = new Map<string, HubUser>();
  const buckets = new Map<string, BucketState>();
  const xet = new XetStore();
  const faults = new Faults();
  const seen: string[] = [];
  const tickets: Tickets = { access: new Map(), contents: new Map() };
  let refusal: { what: RegExp; reason: string } | undefined;

  const content = await listen(
    (request) => serveContent(xet, tickets, request),
    faults,
    ({ method, url }) => seen.push(`xet:${method} ${url}`),
  );

  const createIn = ({ id, user, request }: Asked): HubAnswer => {
    if (user === undefined) return refused(401, 'Invalid username or password.');
    if (id.split('/')[0] !== user.name) return refused(403, 'You are not in this namespace');
    if (user.role !== 'write') return readOnly;
    if (buckets.has(id)) return refused(409, 'You already created this bucket');
    const asked: unknown = JSON.parse(request.body.toString('utf8'));
    const visibility =
      typeof asked === 'object' && asked !== null && 'visibility' in asked
        ? asked.visibility
        : undefined;
    buckets.set(id, new BucketState(id, visibility === 'private' && !isAlwaysPublic));
    const url = `${request.origin}/buckets/${id}`;
    return ok({ url, id, name: id });
  };

  const xetToken = ({ id }: Asked, access: 'read' | 'write'): HubAnswer => {
    const accessToken = `xet_${access}_${randomBytes(12).toString('hex')}`;
    tickets.access.set(accessToken, { bucket: id, access });
    const exp = Math.floor(Date.now() / 1000) + 900;
    return ok({ accessToken, exp, casUrl: content.origin });
  };

  const tree = (bucket: BucketState, prefix: string, { query, origin, path }: HubRequest) => {
    const all = bucket.tree(prefix, query.get('recursive') === 'true');
    const from = Number(query.get('cursor') ?? 0);
    const limit = Math.min(Number(query.get('limit') ?? pageSize), pageSize);
    const next = new URLSearchParams(query);
    next.set('cursor', String(from + limit));
    const link = `<${origin}${path}?${next.toString()}>; rel="next"`;
    return ok(all.slice(from, from + limit), from + limit < all.length ? { link } : {});
  };

  const pathsInfo = (bucket: BucketState, { body }: HubRequest): HubAnswer => {
    const asked: unknown = JSON.parse(body.toString('utf8'));
    const paths = typeof asked === 'object' && asked !== null && 'paths' in asked ? asked.paths : 0;
    if (!Array.isArray(paths) || paths.length > 1_000) return refused(400, 'Too many paths');
    const files = paths.flatMap((path) => bucket.files.get(String(path)) ?? []);
    return ok(files.map((file) => ({ type: 'file', ...file })));
  };

  const resolve = (bucket: BucketState, path: string, request: HubRequest): HubAnswer => {
    const file = bucket.files.get(path);
    if (file === undefined) return refused(404, 'Entry not found', 'EntryNotFound');
    const known = {
      'x-linked-size': String(file.size),
      'x-linked-etag': `"${file.xetHash}"`,
      'x-xet-hash': file.xetHash,
      link: [
        `<${request.origin}/api/buckets/${bucket.id}/xet-read-token>; rel="xet-auth"`,
        `<${content.origin}/v1/reconstructions/${file.xetHash}>; rel="xet-reconstruction-info"`,
      ].join(', '),
    };
    if (request.headers.accept?.includes('application/vnd.xet-fileinfo+json') === true) {
      return {
        status: 200,
        headers: { ...known, 'content-type': 'application/vnd.xet-fileinfo+json' },
        body: JSON.stringify({ hash: file.xetHash }),
      };
    }
    const ticket = randomBytes(12).toString('hex');
    tickets.contents.set(ticket, { kind: 'file', hash: file.xetHash });
    const location = `${content.origin}/content/${ticket}`;
    return { status: 302, headers: { ...known, location } };
  };

  const serveBucket = (asked: Asked, bucket: BucketState): HubAnswer => {
    const { request, action, rest, user } = asked;
    const mayWrite = user?.role === 'write' && bucket.id.startsWith(`${user.name}/`);
    const route = `${request.method} ${action}`;
    if (route === 'GET ') return ok(bucket.info());
    if (route === 'GET tree') return tree(bucket, rest, request);
    if (route === 'POST paths-info') return pathsInfo(bucket, request);
    if (route === 'GET resolve') return resolve(bucket, rest, request);
    if (route === 'GET xet-read-token') return xetToken(asked, 'read');
    if (!mayWrite) return readOnly;
    if (route === 'GET xet-write-token') return xetToken(asked, 'write');
    if (route === 'DELETE ') {
      buckets.delete(bucket.id);
      return ok({});
    }
    if (route !== 'POST batch') return refused(404, 'Not found');
    if (request.headers['content-type'] !== 'application/x-ndjson') {
      return refused(400, 'Not NDJSON');
    }
    return applyBatch(bucket, xet, request.body, (path) =>
      refusal?.what.test(path) === true ? refusal.reason : undefined,
    );
  };

  const serve = (request: HubRequest): HubAnswer => {
    const authorization = request.headers.authorization;
    const user = users.get(authorization?.replace('Bearer ', '') ?? '');
    if (authorization !== undefined && user === undefined) {
      return refused(401, 'Invalid credentials in Authorization header');
    }
    if (request.path === '/api/whoami-v2') {
      return user === undefined ? refused(401, 'Invalid username or password.') : ok(user);
    }
    const asked = parse(request, user);
    if (asked === undefined) return refused(404, 'Not found');
    if (request.method === 'POST' && asked.action === '') return createIn(asked);
    const bucket = buckets.get(asked.id);
    const isSeen = bucket?.isPrivate === false || asked.id.split('/')[0] === user?.name;
    if (bucket === undefined || !isSeen) {
      if (user === undefined) return refused(401, 'Invalid username or password.', 'RepoNotFound');
      return refused(404, 'Bucket not found', 'RepoNotFound');
    }
    return serveBucket(asked, bucket);
  };

  const api = await listen(serve, faults, ({ method, url }) => seen.push(`${method} ${url}`));

  return {
    endpoint: api.origin,
    buckets,
    faults,
    seen,
    token: (user) => {
      const token = `hf_${randomBytes(17).toString('hex')}`;
      users.set(token, user);
      return token;
    },
    createBucket: (id, { isPrivate = true } = {}) => {
      const bucket = new BucketState(id, isPrivate);
      buckets.set(id, bucket);
      return bucket;
    },
    content: (id, path) => {
      const file = buckets.get(id)?.files.get(path);
      return file === undefined ? undefined : xet.content(file.xetHash);
    },
    refusePaths: (what, reason = 'Refused by test') => {
      refusal = what === undefined ? undefined : { what, reason };
    },
    stop: async () => {
      await api.stop();
      await content.stop();
    },
  };
}

interface Asked {
  readonly request: HubRequest;
  readonly user: HubUser | undefined;
  /** `namespace/name` */
  readonly id: string;
  /** What of the bucket is meant; '' is the bucket itself. */
  readonly action: string;
  /** A path or prefix, decoded. */
  readonly rest: string;
}

/** `/api/buckets/<ns>/<name>[/<action>[/<rest>]]` and `/buckets/<ns>/<name>/resolve/<path>`. */
function parse(request: HubRequest, user: HubUser | undefined): Asked | undefined {
  const found = /^(\/api)?\/buckets\/([^/]+\/[^/]+)(?:\/([a-z-]+)(?:\/(.*))?)?$/.exec(request.path);
  if (found === null) return undefined;
  const [, api, id = '', action = '', rest = ''] = found;
  if ((api === undefined) !== (action === 'resolve')) return undefined;
  return { request, user, id, action, rest: decodeURIComponent(rest) };
}

function ok(body: unknown, headers: Readonly<Record<string, string>> = {}): HubAnswer {
  return { status: 200, headers: { ...json, ...headers }, body: JSON.stringify(body) };
}

function refused(status: number, error: string, code?: string): HubAnswer {
  const headers = code === undefined ? json : { ...json, 'x-error-code': code };
  return { status, headers, body: JSON.stringify({ error }) };
}

const readOnly = refused(403, 'This token has no write access');
