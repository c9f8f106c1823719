import type { RunState } from '../timeline/bucket-state.js';
import type { EntrySelection } from '../timeline/selection.js';
import {
  keepPaths,
  type LocalNames,
  localNames,
  type PathFilter,
  withoutLocalPaths,
} from './local-paths.js';

/** What a page is made of passes through here on its way out of the house. */
export interface Cleaning {
  /** For text about a session that worked in this folder. */
  text(folder: string | null): PathFilter;
  agent(name: string | null): string | null;
  /** A line as it was stored, without the secrets that a second look finds. */
  line(stored: Buffer): Buffer;
}

interface Cleaned {
  readonly state: Pick<RunState, 'agents' | 'sessions'>;
  readonly selection: Pick<EntrySelection, 'sessionId'>;
}

export function cleaningOf(
  run: Cleaned,
  keepsPaths: boolean,
  line: Cleaning['line'] = (stored) => stored,
): Cleaning {
  if (keepsPaths) return { text: () => keepPaths, agent: (name) => name, line };
  const names = namesToHide(run);
  const plain = withoutLocalPaths(null, names);
  return {
    text: (folder) => (folder === null ? plain : withoutLocalPaths(folder, names)),
    agent: (name) => (name === null ? null : plain(name)),
    line,
  };
}

/** The page of a run is read by those who took part: they know one another by their agents' names. */
function namesToHide({ state: { agents, sessions }, selection }: Cleaned): LocalNames {
  const documents = sessions.flatMap(({ meta }) => meta?.document ?? []);
  const all = localNames([...documents, ...agents.map(({ document: { host } }) => ({ host }))]);
  if (selection.sessionId !== undefined) return all;
  const known = [...agents.map(({ agent }) => agent), ...documents.map((one) => one.agent_id)];
  const isHidden = (name: string): boolean => !known.some((agent) => agent?.includes(name));
  return { users: all.users.filter(isHidden), hosts: all.hosts.filter(isHidden) };
}
