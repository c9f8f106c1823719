import { s3Servers } from '../support/s3-servers.js';
import { describeBucketContract } from './contract.js';

for (const server of s3Servers()) {
  describeBucketContract(server.name, async () => {
    const { stop, ...where } = await server.start();
    return { target: { backend: 's3', ...where }, isShared: server.isShared, stop };
  });
}
