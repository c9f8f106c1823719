import { describe, expect, it } from 'vitest';
import { plainHttpHost } from '../../src/bucket/plain-http.js';

describe('plain http', () => {
  const s3 = (endpoint?: string) => ({
    backend: 's3' as const,
    bucket: 'pond',
    ...(endpoint === undefined ? {} : { endpoint }),
  });

  it.each([
    ['http://store.example:9000/path', 'store.example:9000'],
    ['http://192.168.1.7', '192.168.1.7'],
    ['http://localhost.example', 'localhost.example'],
    ['http://127.0.0.1.example', '127.0.0.1.example'],
    ['http://[fd00::1]:80', '[fd00::1]'],
  ])('%s sends in clear', (endpoint, host) => {
    expect(plainHttpHost(s3(endpoint))).toBe(host);
  });

  it.each([
    'https://store.example',
    'http://localhost:9000',
    'http://s3.localhost',
    'http://127.8.0.1:1',
    'http://[::1]:9000',
    undefined,
  ])('%s does not, or not over a network', (endpoint) => {
    expect(plainHttpHost(s3(endpoint))).toBeUndefined();
  });

  it('does not concern a local folder', () => {
    expect(plainHttpHost({ backend: 'local' })).toBeUndefined();
  });
});
