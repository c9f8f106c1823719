import { createServer } from 'node:http';

/** Pages of listings that are kept until something changes. */
const mostPages = 200;

/**
 * An S3 server in this process that lists and reads `objects`, by key, `latencyMs` away: no server of ours holds so many as
 * quickly. It keeps what is written, and knows whether an object is there, but not its versions. `objects` must be changed
 * through `put` and `remove` alone.
 */
export async function startStore(objects, { latencyMs = 0 } = {}) {
  const keys = [...objects.keys()].sort();
  const state = { requests: 0 };
  const began = new Date();
  // A page of a listing takes this process 4 ms, one after the other; a real store gives as many as are asked for at once.
  const pages = new Map();
  const page = (search, query) => {
    if (pages.size > mostPages) pages.clear();
    if (!pages.has(search)) pages.set(search, listed({ keys, objects, began }, query));
    return pages.get(search);
  };
  const put = (key, bytes) => {
    pages.clear();
    if (!objects.has(key)) keys.splice(firstFrom(keys, key), 0, key);
    objects.set(key, bytes);
  };
  const remove = (key) => {
    pages.clear();
    if (objects.delete(key)) keys.splice(firstFrom(keys, key), 1);
  };
  const server = createServer(async (request, response) => {
    state.requests += 1;
    if (latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, latencyMs));
    const url = new URL(request.url, 'http://store');
    const key = url.pathname.split('/').slice(2).map(decodeURIComponent).join('/');
    const headers = { etag: '"e"', 'last-modified': writtenAt(key, began).toUTCString() };
    if (request.method !== 'GET') {
      const sent = Buffer.concat(await request.toArray());
      const isThere = objects.has(key);
      const { 'if-none-match': isNew, 'if-match': isSame } = request.headers;
      const isRefused = isNew === '*' ? isThere : isSame !== undefined && !isThere;
      if (request.method === 'PUT' && !isRefused) put(key, sent);
      if (request.method === 'DELETE') remove(key);
      response.writeHead(isRefused ? 412 : request.method === 'DELETE' ? 204 : 200, headers).end();
      return;
    }
    const isList = url.searchParams.has('list-type');
    const body = isList ? page(url.search, url.searchParams) : objects.get(key);
    const status = body === undefined ? 404 : 200;
    const answer = body ?? Buffer.from('<Error><Code>NoSuchKey</Code></Error>');
    response.writeHead(status, { ...headers, 'content-length': answer.length }).end(answer);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    state,
    put,
    remove,
    endpoint: `http://127.0.0.1:${server.address().port}`,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** When a key that begins with nanoseconds says, as mail and events do; anything else when the store began. */
function writtenAt(key, began) {
  const [, ns] = /\/(\d{19})_[^/]*$/.exec(key) ?? [];
  return ns === undefined ? began : new Date(Number(ns.slice(0, 13)));
}

function listed({ keys, objects, began }, query) {
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter');
  const after = query.get('continuation-token') ?? query.get('start-after') ?? '';
  const most = Number(query.get('max-keys') ?? 1_000);
  const found = [];
  let at = firstFrom(keys, [prefix, after].sort().at(-1));
  let last = '';
  let isTruncated = false;
  while (at < keys.length && keys[at].startsWith(prefix)) {
    const key = keys[at];
    const cut = delimiter ? key.indexOf(delimiter, prefix.length) : -1;
    const name = cut === -1 ? key : key.slice(0, cut + 1);
    isTruncated = found.length >= most;
    if (isTruncated) break;
    if (key > after && !(cut !== -1 && after.startsWith(name))) {
      found.push(
        cut === -1
          ? `<Contents><Key>${key}</Key><LastModified>${writtenAt(key, began).toISOString()}</LastModified><ETag>&quot;e&quot;</ETag><Size>${objects.get(key).length}</Size></Contents>`
          : `<CommonPrefixes><Prefix>${name}</Prefix></CommonPrefixes>`,
      );
    }
    last = cut === -1 ? key : `${name}\uffff`;
    at = cut === -1 ? at + 1 : firstFrom(keys, last);
  }
  const next = isTruncated ? `<NextContinuationToken>${last}</NextContinuationToken>` : '';
  return Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>bench</Name><Prefix>${prefix}</Prefix><MaxKeys>${most}</MaxKeys><IsTruncated>${isTruncated}</IsTruncated>${next}${found.join('')}</ListBucketResult>`,
  );
}

function firstFrom(keys, key) {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keys[middle] < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
