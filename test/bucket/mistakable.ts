/** What mistakes.test.ts looks at, as it is and with a mistake in it. */
export { withRetry } from '../../src/bucket/retry.js';
export { amazonHost } from '../../src/bucket/s3/amazon-host.js';
export { openS3Bucket } from '../../src/bucket/s3/bucket.js';
export { foundSigner, signerWithoutSdk } from '../../src/bucket/s3/signer.js';
export { inParallel } from '../../src/concurrency.js';
