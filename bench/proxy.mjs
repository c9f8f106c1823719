import { Agent, createServer, request } from 'node:http';

/**
 * Between the commands and the store: waits `latencyMs` before it passes a request on, holds what `hold` says, and notes what
 * went by (kind, key, begin, end, status; milliseconds of one clock).
 */
export async function startProxy(upstream, latencyMs) {
  const target = new URL(upstream);
  const base = target.pathname.replace(/\/$/, '');
  const agent = new Agent({ keepAlive: true, maxSockets: 128 });
  const state = { seen: [], bytes: 0, hold: undefined, onAnswer: undefined };
  const server = createServer(async (incoming, outgoing) => {
    const from = performance.now();
    const body = Buffer.concat(await incoming.toArray());
    const one = { ...describe(incoming, base), from, to: from, status: 0 };
    state.seen.push(one);
    if (latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, latencyMs));
    await state.hold?.(one);
    pass(incoming, body, (answer) => {
      if (answer === undefined) {
        outgoing.destroy();
        return;
      }
      one.status = answer.statusCode;
      outgoing.writeHead(answer.statusCode, answer.rawHeaders.filter(isKept(answer.rawHeaders)));
      answer.on('data', (chunk) => {
        state.bytes += chunk.length;
      });
      answer.pipe(outgoing);
      answer.once('end', () => {
        one.to = performance.now();
        state.onAnswer?.(one, body);
      });
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  /** Once more if the store closed an idle connection just then: that is this proxy's affair, and no answer of the store. */
  function pass({ method, url, headers }, body, answered) {
    const { hostname: host, port } = target;
    const passed = request({ host, port, method, path: url, headers, agent }, answered);
    passed.once('error', (error) => {
      if (passed.reusedSocket && error.code === 'ECONNRESET') {
        pass({ method, url, headers }, body, answered);
      } else answered(undefined);
    });
    passed.end(body);
  }

  return {
    state,
    endpoint: `http://127.0.0.1:${server.address().port}${base}`,
    reset: () => {
      state.seen = [];
      state.bytes = 0;
    },
    counts: () => {
      const counts = {};
      for (const { kind } of state.seen) counts[kind] = (counts[kind] ?? 0) + 1;
      return counts;
    },
    /** The longest chain of requests of which each began after the one before had ended: round trips one has to wait for. */
    depth: () => depthOf(state.seen),
    stop: async () => {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function describe({ method, url }, base) {
  const { pathname, searchParams } = new URL(url, 'http://proxy');
  const key = pathname
    .slice(base.length + 1)
    .split('/')
    .slice(1)
    .map(decodeURIComponent)
    .join('/');
  const isList = method === 'GET' && searchParams.has('list-type');
  const kind = isList ? 'LIST' : method;
  return { kind, key, prefix: searchParams.get('prefix') ?? '' };
}

function isKept(rawHeaders) {
  return (_, at) => {
    const name = rawHeaders[at - (at % 2)];
    return !/^(connection|keep-alive|transfer-encoding)$/i.test(name);
  };
}

function depthOf(seen) {
  const byEnd = [...seen].sort((a, b) => a.from - b.from);
  const depths = new Map();
  let deepest = 0;
  for (const one of byEnd) {
    let above = 0;
    for (const [other, depth] of depths) if (other.to <= one.from) above = Math.max(above, depth);
    depths.set(one, above + 1);
    deepest = Math.max(deepest, above + 1);
  }
  return deepest;
}
