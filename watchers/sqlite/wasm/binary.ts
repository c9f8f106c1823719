import { createRequire } from 'node:module';

/** Where the WebAssembly file is; the build puts it beside the bundle and replaces this module. */
export function binaryPath(): string {
  return createRequire(import.meta.url).resolve('wa-sqlite/dist/wa-sqlite.wasm');
}
