import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface ForwardedRequest {
  readonly method: string;
  /** `host:port` of a CONNECT; otherwise the whole URL. */
  readonly target: string;
  readonly authorization: string | undefined;
}

export interface ForwardProxy {
  readonly port: number;
  readonly seen: readonly ForwardedRequest[];
  stop(): Promise<void>;
}

export interface ForwardProxyOptions {
  /** `user:password` it asks for. */
  readonly credentials?: string;
  /** Takes connections and answers nothing. */
  readonly isSilent?: boolean;
}

/**
 * An HTTP proxy as companies run them: forwards plain requests and tunnels CONNECT. Every host name leads to this
 * machine, so what gets through with a name that nobody can resolve has come this way.
 */
export async function startForwardProxy({
  credentials,
  isSilent = false,
}: ForwardProxyOptions = {}): Promise<ForwardProxy> {
  const seen: ForwardedRequest[] = [];
  const sockets = new Set<Socket>();
  const admits = ({ method = '', url: target = '', headers }: IncomingMessage): boolean => {
    const authorization = headers['proxy-authorization'];
    seen.push({ method, target, authorization });
    if (credentials === undefined) return true;
    return authorization === `Basic ${Buffer.from(credentials).toString('base64')}`;
  };

  const server = createServer((incoming, outgoing) => {
    if (isSilent) return;
    if (!admits(incoming)) outgoing.writeHead(407).end();
    else forward(incoming, outgoing);
  });
  server.on('connection', (socket: Socket) => track(sockets, socket));
  server.on('connect', (incoming: IncomingMessage, socket: Socket) => {
    if (isSilent) return;
    if (!admits(incoming)) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const port = Number(incoming.url?.split(':').at(-1));
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    track(sockets, onward);
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    seen,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { port, pathname, search } = new URL(incoming.url ?? '');
  const { method, headers } = incoming;
  const onward = request(
    { host: '127.0.0.1', port, path: pathname + search, method, headers },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    },
  );
  onward.on('error', () => outgoing.destroy());
  incoming.pipe(onward);
}

function track(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket);
  socket.on('error', () => undefined);
  socket.once('close', () => sockets.delete(socket));
}
