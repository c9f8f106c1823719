import { s3Servers, transports } from '../support/s3-servers.js';
import { describeBucketContract } from './contract.js';

for (const server of s3Servers()) {
  for (const { by, via } of transports) {
    describeBucketContract(`${server.name} ${by}`, async () => {
      const { stop, ...where } = await server.start();
      return { target: { backend: 's3', ...where, ...via }, isShared: server.isShared, stop };
    });
  }
}
