/** Of a bucket's target, or of a config that is not written yet. */
interface Place {
  readonly backend: string;
  readonly endpoint?: string | null | undefined;
}

/** Where everything goes over a network unencrypted, tokens included; `undefined` if it does not. */
export function plainHttpHost({ endpoint }: Place): string | undefined {
  if (endpoint == null || !URL.canParse(endpoint)) return undefined;
  const { protocol, hostname, host } = new URL(endpoint);
  return protocol === 'http:' && !isThisMachine(hostname) ? host : undefined;
}

/** One sentence. */
export function plainHttpWarning(host: string): string {
  return `plain-http: ${host} is contacted without encryption: anyone on the network in between can read and change what is sent`;
}

function isThisMachine(hostname: string): boolean {
  return /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}
