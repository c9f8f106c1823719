import { type S3Server, startR2 } from './r2.js';

export type { S3Server } from './r2.js';

/** Each has to do the same. */
export const transports: readonly Transport[] = [
  { by: 'without the SDK', via: {} },
  { by: 'by the SDK', via: { transport: 'sdk' } },
];

export interface Transport {
  readonly by: string;
  readonly via: { readonly transport?: 'sdk' };
}

export interface S3ServerKind {
  readonly name: string;
  /** It goes on after the test, with what was written to it. */
  readonly isShared: boolean;
  start(): Promise<S3Server>;
}

/**
 * The S3 servers that a suite is to be run against: the R2 simulator, which needs nothing but npm, and the one that
 * `TRACECRAFT_TEST_S3_ENDPOINT`, `_BUCKET`, `_ACCESS_KEY`, `_SECRET_KEY` and `_REGION` name, if they do. That one's bucket
 * exists already, and others may use it at the same time: keep to a random prefix.
 */
export function s3Servers(): readonly S3ServerKind[] {
  const simulator = { name: 'R2 simulator', isShared: false, start: startR2 };
  const named = namedServer();
  return named === undefined ? [simulator] : [simulator, named];
}

function namedServer(): S3ServerKind | undefined {
  const endpoint = variable('ENDPOINT');
  if (endpoint === undefined) return undefined;
  return {
    name: endpoint,
    isShared: true,
    start: async () => ({
      endpoint,
      region: variable('REGION') ?? 'us-east-1',
      bucket: required('BUCKET'),
      accessKey: required('ACCESS_KEY'),
      secretKey: required('SECRET_KEY'),
      stop: async () => undefined,
    }),
  };
}

function required(name: string): string {
  const value = variable(name);
  if (value === undefined) throw new Error(`TRACECRAFT_TEST_S3_${name} is not set`);
  return value;
}

function variable(name: string): string | undefined {
  return process.env[`TRACECRAFT_TEST_S3_${name}`] || undefined;
}
