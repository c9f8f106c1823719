import type { Finding } from './finding.js';

/**
 * A folder with sessions that is not watched, because a variable names another one in its place.
 */
export interface UnwatchedFolder {
  readonly harness: string;
  readonly variable: string;
  readonly folder: string;
  readonly sessions: number;
  /** The variable may name several folders. */
  readonly takesList: boolean;
}

/** This may be intentional: some users keep two accounts apart. */
export function judgeUnwatched({
  variable,
  folder,
  sessions,
  takesList,
}: UnwatchedFolder): Finding {
  const many = sessions === 1 ? 'session' : 'sessions';
  return {
    name: 'sessions-not-looked-at',
    severity: 'note',
    message: `${sessions} ${many} in ${folder}: nobody looks there, because ${variable} names another folder.`,
    fix: takesList
      ? `To mirror them too, let ${variable} name both folders, separated by a comma.`
      : `To mirror them too, run a watch without ${variable}.`,
  };
}
