import { randomBytes } from 'node:crypto';
import type { HubAnswer, HubRequest } from './faults.js';
import type { XetStore } from './xet-store.js';

/** What was handed out: the tokens of the store, and addresses that need no token. */
export interface Tickets {
  readonly access: Map<string, { readonly bucket: string; readonly access: 'read' | 'write' }>;
  readonly contents: Map<string, { readonly kind: 'file' | 'xorb'; readonly hash: string }>;
}

/** The store of contents and what stands before it, all on one origin that is not the Hub's. */
export function serveContent(xet: XetStore, tickets: Tickets, request: HubRequest): HubAnswer {
  if (request.path.startsWith('/content/')) return download(xet, tickets, request);
  const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
  const ticket = tickets.access.get(token);
  if (ticket === undefined) return { status: 401, body: 'no such token' };
  const [, version, what, last] = /^\/(v[12])\/([a-z-]+)(?:\/(.+))?$/.exec(request.path) ?? [];
  const route = `${request.method} ${version}/${what}`;
  if (route === 'GET v2/reconstructions') return reconstruct(xet, tickets, request, last ?? '');
  if (route === 'GET v1/chunks') return { status: 404, body: 'not deduplicated' };
  if (ticket.access !== 'write') return { status: 403, body: 'not a token to write with' };
  if (route === 'POST v1/xorbs') {
    const hash = /^default\/([0-9a-f]{64})$/.exec(last ?? '')?.[1];
    if (hash === undefined) return { status: 400, body: 'not a xorb hash' };
    return json({ was_inserted: xet.addXorb(hash, request.body) });
  }
  if (route === 'POST v1/shards') {
    xet.addShard(request.body);
    return json({ result: 1 });
  }
  return { status: 404, body: 'not found' };
}

function reconstruct(
  xet: XetStore,
  tickets: Tickets,
  { headers, origin }: HubRequest,
  hash: string,
): HubAnswer {
  const file = xet.file(hash);
  if (file === undefined) return { status: 404, body: 'no such file' };
  const range = rangeOf(headers.range, file.size) ?? { start: 0, end: file.size - 1 };
  const answer = xet.reconstruction(file, range, (xorb) => {
    const ticket = randomBytes(12).toString('hex');
    tickets.contents.set(ticket, { kind: 'xorb', hash: xorb });
    return `${origin}/content/${ticket}`;
  });
  return answer === undefined ? { status: 416 } : json(answer);
}

/** As a signed address: whoever also sends a token is refused, as by the stores behind such addresses. */
function download(xet: XetStore, tickets: Tickets, request: HubRequest): HubAnswer {
  if (request.headers.authorization !== undefined) {
    return { status: 400, body: 'Only one auth mechanism allowed' };
  }
  const ticket = tickets.contents.get(request.path.slice('/content/'.length));
  if (ticket === undefined) return { status: 403, body: 'expired' };
  const body = ticket.kind === 'file' ? xet.content(ticket.hash) : xet.xorb(ticket.hash);
  if (body === undefined) return { status: 404, body: 'gone' };
  const range = rangeOf(request.headers.range, body.length);
  if (range === undefined) return { status: 200, body };
  if (range.start > range.end) return { status: 416 };
  return {
    status: 206,
    headers: { 'content-range': `bytes ${range.start}-${range.end}/${body.length}` },
    body: body.subarray(range.start, range.end + 1),
  };
}

function rangeOf(
  header: string | undefined,
  size: number,
): { readonly start: number; readonly end: number } | undefined {
  const [, start, end] = /^bytes=(\d+)-(\d*)$/.exec(header ?? '') ?? [];
  if (start === undefined) return undefined;
  return {
    start: Number(start),
    end: end === '' || end === undefined ? size - 1 : Math.min(Number(end), size - 1),
  };
}

function json(body: unknown): HubAnswer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
}
