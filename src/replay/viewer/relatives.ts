import { agentOf, type ChildHead } from '../../conversation/join.js';
import type { PageHeader, PageSession } from '../page/data.js';

/** The sub-agents of a session whose call was noted beside their transcripts. */
export function headsIn(
  { streams }: Pick<PageHeader, 'streams'>,
  { id: session, streams: own }: PageSession,
): readonly ChildHead[] {
  return own.flatMap((index): readonly ChildHead[] => {
    const { name = '', title, calledBy = null } = streams[index] ?? {};
    const agent = agentOf(name);
    if (agent === undefined || calledBy === null) return [];
    const [stream, callId] = calledBy;
    const about = title == null ? {} : { description: title };
    const child = { ...about, id: agent, session, stream: name };
    return [{ child, spawnedBy: { session, stream, callId } }];
  });
}

/** Sessions of the page that a session came from, or that came from it, as indices. */
export function relativesOf(
  { sessions }: Pick<PageHeader, 'sessions'>,
  session: number,
): { readonly from: readonly number[]; readonly to: readonly number[] } {
  const about = sessions[session];
  const indices = sessions.map((_, index) => index).filter((index) => index !== session);
  const isRelated = (child: PageSession | undefined, parent: PageSession | undefined): boolean =>
    child?.parent != null && child.parent === parent?.id && child.harness === parent.harness;
  return {
    from: indices.filter((index) => isRelated(about, sessions[index])),
    to: indices.filter((index) => isRelated(sessions[index], about)),
  };
}
