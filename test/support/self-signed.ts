import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createTemporaryFolder } from './temporary-folder.js';

export interface Identity {
  readonly key: string;
  readonly cert: string;
}

/** A key and certificate for a TLS server of the tests, made now and trusted by nobody. */
export async function selfSigned(host: string): Promise<Identity> {
  const folder = await createTemporaryFolder();
  try {
    const [keyPath, certPath] = [join(folder.path, 'key.pem'), join(folder.path, 'cert.pem')];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const names = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`, '-days', '2'];
    const files = ['-keyout', keyPath, '-out', certPath];
    await promisify(execFile)('openssl', ['req', '-x509', ...curve, ...names, ...files]);
    return { key: await readFile(keyPath, 'utf8'), cert: await readFile(certPath, 'utf8') };
  } finally {
    await folder.remove();
  }
}
