import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Below it there is nothing worth 25 ms of collecting. */
const enoughBytes = 130 * 1024 * 1024;

let collect: (() => void) | undefined;

/**
 * To be called after an upload. Each upload of the client leaves 640 MB of buffers behind, of which 80 MB are real memory
 * (`utils/uploadShards.ts` and `utils/createXorbs.ts` in @huggingface/hub 2.17.5), and the collector lets several pile up:
 * 200 small writes in a row were measured at 630 MB without this. A command that writes once never gets that far.
 */
export function reclaimUploadBuffers(): void {
  if (process.memoryUsage.rss() < enoughBytes) return;
  collect ??= exposedCollector();
  collect();
}

/** A way to the collector of a process that was not started with --expose-gc. */
function exposedCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const found: unknown = runInNewContext('gc');
  return typeof found === 'function' ? () => found() : () => undefined;
}
