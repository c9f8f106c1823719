import {
  type ClientRequest,
  type Agent as HttpAgent,
  type OutgoingHttpHeaders,
  Agent as PlainAgent,
} from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import type { Duplex } from 'node:stream';
import { Agent, type AgentConnectOpts } from 'agent-base';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { getProxyForUrl } from 'proxy-from-env';
import { messageOf, UsageError } from '../../errors.js';
import type { ProxyAgentOptions } from './proxy.js';

type Scheme = 'http' | 'https';

/** Sends each request directly to its host or through a proxy, as the environment says. */
export class EnvironmentAgent extends Agent {
  readonly #scheme: Scheme;
  readonly #options: ProxyAgentOptions;
  readonly #agents = new Map<string, HttpAgent>();

  constructor(scheme: Scheme, options: ProxyAgentOptions) {
    super();
    this.#scheme = scheme;
    this.#options = options;
  }

  // Without this method the library guesses it from the call stack.
  override isSecureEndpoint(): boolean {
    return this.#scheme === 'https';
  }

  override connect(_request: ClientRequest, { host, port }: AgentConnectOpts): HttpAgent {
    const proxy = proxyFor(`${this.#scheme}://${authorityOf(host, port)}`);
    const known = this.#agents.get(proxy);
    if (known !== undefined) return known;
    const agent = openAgent(this.#scheme, proxy, this.#options);
    this.#agents.set(proxy, agent);
    return agent;
  }

  override destroy(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    super.destroy();
  }
}

function openAgent(scheme: Scheme, proxy: string, options: ProxyAgentOptions): HttpAgent {
  const { connectMs: _, ...pooling } = options;
  if (scheme === 'https') {
    return proxy === '' ? new TlsAgent(pooling) : new TunnelAgent(proxy, options);
  }
  return proxy === '' ? new PlainAgent(pooling) : new ForwardAgent(proxy, options);
}

/** For https: the proxy sees where we connect to, and ciphertext. */
class TunnelAgent extends Agent {
  readonly #proxy: string;
  readonly #headers: OutgoingHttpHeaders;
  readonly #connectMs: number;

  constructor(named: string, { connectMs, ...pooling }: ProxyAgentOptions) {
    super(pooling);
    const { proxy, headers } = apart(named);
    this.#proxy = proxy;
    this.#headers = headers;
    this.#connectMs = connectMs;
  }

  override isSecureEndpoint(): boolean {
    return true;
  }

  override connect(request: ClientRequest, target: AgentConnectOpts): Promise<Duplex> {
    return within(this.#connectMs, this.#proxy, async (signal) => {
      const options = { signal, keepAlive: true, headers: this.#headers };
      const tunnel = new HttpsProxyAgent(this.#proxy, options);
      let status = 0;
      tunnel.once('proxyConnect', (answer: { readonly statusCode: number }) => {
        status = answer.statusCode;
      });
      const socket = await tunnel.connect(request, target);
      if (status === 200) return socket;
      socket.destroy();
      // Otherwise the proxy's refusal would look like the store's.
      throw new ProxyRefusal(this.#proxy, status);
    });
  }
}

/** For http: the proxy gets the request itself. */
class ForwardAgent extends HttpProxyAgent<string> {
  readonly #connectMs: number;

  constructor(named: string, { connectMs, ...pooling }: ProxyAgentOptions) {
    const { proxy, headers } = apart(named);
    super(proxy, { ...pooling, headers });
    this.#connectMs = connectMs;
  }

  override isSecureEndpoint(): boolean {
    return false;
  }

  override connect(...[request, target]: Parameters<HttpProxyAgent<string>['connect']>) {
    const proxy = this.proxy.href;
    return within(this.#connectMs, proxy, (signal) =>
      new HttpProxyAgent(proxy, { signal }).connect(request, target),
    );
  }
}

/** The proxy answered CONNECT, but did not connect. */
class ProxyRefusal extends Error {
  readonly code = 'ERR_PROXY_REFUSED';

  constructor(proxy: string, status: number) {
    const wants = status === 407 ? ': it wants a user and a password' : '';
    super(`the proxy ${placeOf(proxy)} refused to connect (HTTP ${status})${wants}`);
  }
}

/** The libraries would wait forever for a proxy that accepts connections and stays silent. */
async function within<T>(
  connectMs: number,
  proxy: string,
  connect: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), connectMs);
  try {
    return await connect(late.signal);
  } catch (error) {
    if (error instanceof ProxyRefusal) throw error;
    const what = late.signal.aborted
      ? `no connection within ${connectMs / 1000} s`
      : messageOf(error);
    const code = late.signal.aborted ? 'ETIMEDOUT' : codeOf(error);
    throw Object.assign(new Error(`the proxy ${placeOf(proxy)}: ${what}`), { code });
  } finally {
    clearTimeout(timer);
  }
}

function proxyFor(url: string): string {
  const proxy = getProxyForUrl(url);
  if (proxy === '') return '';
  // The library reads "proxy:3128" as https for https requests; curl, Python and Go read it as http.
  const isWhole = Object.values(process.env).includes(proxy);
  const named = isWhole ? proxy : proxy.replace(/^https:/, 'http:');
  if (URL.canParse(named) && /^https?:$/.test(new URL(named).protocol)) return named;
  throw new UsageError('the proxy that the environment names is not an http or https address', {
    hint: 'Look at HTTPS_PROXY, HTTP_PROXY and ALL_PROXY; NO_PROXY names hosts to reach without it.',
  });
}

/** The libraries log the whole address when DEBUG is set, so the password is kept out of it. */
function apart(named: string): { readonly proxy: string; readonly headers: OutgoingHttpHeaders } {
  const url = new URL(named);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  if (username === '' && password === '') return { proxy: url.href, headers: {} };
  const user = Buffer.from(`${unescaped(username)}:${unescaped(password)}`).toString('base64');
  return { proxy: url.href, headers: { 'Proxy-Authorization': `Basic ${user}` } };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Without any password. */
function placeOf(proxy: string): string {
  return new URL(proxy).host;
}

function authorityOf(host: string | undefined, port: number | string | undefined): string {
  const name = host?.includes(':') ? `[${host}]` : (host ?? '');
  return port === undefined ? name : `${name}:${port}`;
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'ERR_PROXY';
}
