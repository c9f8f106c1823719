import { startHub } from '../support/hub/hub.js';
import { describeBucketContract } from './contract.js';

describeBucketContract('Hugging Face, by its own client', async () => {
  const hub = await startHub({ pageSize: 100 });
  hub.createBucket('ann/traces');
  const token = hub.token({ name: 'ann', role: 'write' });
  return {
    target: { backend: 'hf', bucket: 'ann/traces', endpoint: hub.endpoint, token },
    isShared: false,
    stop: () => hub.stop(),
  };
}, ['conditional writes', 'empty objects']);
