import { createTemporaryFolder } from '../support/temporary-folder.js';
import { describeBucketContract } from './contract.js';

describeBucketContract('local folder', async () => {
  const folder = await createTemporaryFolder();
  return { target: { backend: 'local', root: folder.path }, isShared: false, stop: folder.remove };
});
