/** What mistakes.test.ts looks at, as it is and with a mistake in it. */

export { nodeIo } from '../../src/io.js';
export { jsonlFile } from '../../watchers/files/jsonl-file.js';
export { MirrorRig } from '../support/mirror-rig.js';
