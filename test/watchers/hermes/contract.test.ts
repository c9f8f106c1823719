import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import { nodeIo } from '../../../src/io.js';
import { HermesWatcher } from '../../../watchers/hermes/watcher.js';
import { HermesHome } from '../../support/hermes-home.js';
import { describeWatcher, type Specimen } from '../contract.js';

let home: HermesHome;

beforeEach(async () => {
  home = await HermesHome.create();
});

afterEach(() => home.remove());

describeWatcher('hermes', async (): Promise<Specimen> => {
  const own = await home.store();
  own.session('20261122_091640_ab12cd', { title: 'A title', cwd: '/home/u/proj', model: 'm' });
  own.say('20261122_091640_ab12cd', 'user', 'Hello').say('20261122_091640_ab12cd', 'user', null);
  own.say('20261122_091640_ab12cd', 'assistant', '\0json:[{"type":"text"}]');
  own.session('20261122_091731_f0e1d2', { parent_session_id: '20261122_091640_ab12cd' });
  const coder = await home.store('coder', 'DELETE');
  coder.session('api_1_ab', { source: 'api' }).say('api_1_ab', 'user', 'Hi');
  coder.session('20261122_091640_ab12cd').say('20261122_091640_ab12cd', 'user', 'A copy');
  const diverted = join(home.root, 'sessions', '20261122_091640_ab12cd.jsonl');
  await home.file(diverted, '{"role":"user"}\n');
  const strangers = [
    await home.file(join(home.root, 'sessions', 'sessions.json'), '{}'),
    await home.file(join(home.root, 'sessions', '.hidden.jsonl'), '{}\n'),
    await home.file(join(home.root, 'moa-traces', 'x.jsonl'), '{}\n'),
    await home.file(join(home.root, 'config.yaml')),
    join(home.root, 'state.db#no-such-session'),
    join(home.root, 'state.db-shm'),
    join(home.root, 'profiles', 'none', 'state.db'),
  ];
  const another = () =>
    new HermesWatcher({ io: nodeIo, clock: systemClock, env: {}, home: home.home });
  return {
    watcher: another(),
    another,
    strangers,
    eventPath: ({ source }) => source,
    settle: async () => undefined,
  };
});
