import { join } from 'node:path';
import type { HarnessResume, RestorePlan, RestoreRequest } from '../resume.js';
import { placeOfDatabases } from './layout.js';
import { exportedSession, idOf } from './resume/exported-session.js';

/**
 * opencode keeps sessions in a database that only it writes, and imports a document as its `export` writes it. Such an
 * import keeps ids, and belongs to the folder in which it is run.
 */
export const openCodeResume: HarnessResume = {
  modes: ['as-new'],
  folder: (surroundings) => placeOfDatabases(surroundings).folder,
  isId: () => false,
  idOf: (uuid) => idOf('ses', uuid),
  plan,
};

function plan({ session, id, cwd, folder, streams }: RestoreRequest): RestorePlan {
  const path = ['restored', `${id}.json`];
  return {
    streams: [{ session, stream: '', laying: exportedSession(path, { id, cwd }) }],
    leftOut: streams.map(({ name }) => name).filter((name) => name !== ''),
    commands: [
      ['opencode', 'import', join(folder, ...path)],
      ['opencode', '-s', id],
    ],
    isRunnable: false,
    notes: ['The file can be removed once it is imported.'],
  };
}
