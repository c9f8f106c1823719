import type { AgentOptions, Agent as HttpAgent } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';

interface ProxyAgents {
  readonly httpAgent: HttpAgent;
  readonly httpsAgent: HttpsAgent;
}

export interface ProxyAgentOptions extends AgentOptions {
  /** Milliseconds for the proxy to connect us. */
  readonly connectMs: number;
}

const variables = ['https_proxy', 'http_proxy', 'all_proxy'];

/**
 * Agents that honour HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY (docs/adr/0023). `undefined` if no proxy is named: then
 * the libraries are not even loaded.
 */
export async function proxyAgents(options: ProxyAgentOptions): Promise<ProxyAgents | undefined> {
  const named = variables
    .flatMap((name) => [process.env[name], process.env[name.toUpperCase()]])
    .filter((value) => value !== undefined && value !== '');
  if (named.length === 0) return undefined;
  const { EnvironmentAgent } = await import('./proxy-agent.js');
  return {
    httpAgent: new EnvironmentAgent('http', options),
    httpsAgent: new EnvironmentAgent('https', options),
  };
}
