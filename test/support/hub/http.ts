import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Faults, HubAnswer, HubRequest } from './faults.js';

export interface Listening {
  readonly origin: string;
  stop(): Promise<void>;
}

export type Serve = (request: HubRequest) => HubAnswer;

/** One origin of the loopback Hub: reads requests whole, lets faults have their way, sends answers whole. */
export async function listen(
  serve: Serve,
  faults: Faults,
  onRequest: (request: HubRequest) => void,
): Promise<Listening> {
  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch((error: unknown) => {
      outgoing.writeHead(500, { 'content-type': 'application/json' });
      outgoing.end(JSON.stringify({ error: `loopback Hub: ${String(error)}` }));
    });
  });
  server.keepAliveTimeout = 60_000;
  let origin = '';

  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const request = await readRequest(incoming, origin);
    onRequest(request);
    const latency = faults.latency();
    if (latency > 0) await sleep(latency);
    const fate = faults.take(request);
    if (fate === 'dropped') {
      outgoing.destroy();
      return;
    }
    if (typeof fate === 'object') {
      send(outgoing, fate);
      return;
    }
    const real = serve(request);
    if (fate === 'unanswered') outgoing.destroy();
    else if (fate === 'cut-short') cutShort(outgoing, real);
    else send(outgoing, real);
  };

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  origin = `http://127.0.0.1:${address.port}`;
  return {
    origin,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function send(outgoing: ServerResponse, { status, headers = {}, body = '' }: HubAnswer): void {
  const bytes = Buffer.from(body);
  outgoing.writeHead(status, { ...headers, 'content-length': String(bytes.length) });
  outgoing.end(bytes);
}

function cutShort(outgoing: ServerResponse, { status, headers = {}, body = '' }: HubAnswer): void {
  const bytes = Buffer.from(body);
  outgoing.writeHead(status, { ...headers, 'content-length': String(bytes.length) });
  outgoing.write(bytes.subarray(0, bytes.length / 2), () => outgoing.destroy());
}

async function readRequest(incoming: IncomingMessage, origin: string): Promise<HubRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(Buffer.from(chunk));
  const url = incoming.url ?? '/';
  const parsed = new URL(url, origin);
  const headers = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]);
  return {
    method: incoming.method ?? 'GET',
    url,
    path: parsed.pathname,
    query: parsed.searchParams,
    headers: Object.fromEntries(headers),
    body: Buffer.concat(chunks),
    origin,
  };
}
