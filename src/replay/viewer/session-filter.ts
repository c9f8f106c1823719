import type { PageHeader } from '../page/data.js';
import { type Filter, none } from './entry-filter.js';

/** Indices of the sessions that match a filter, in order. Sessions have no type and no step. */
export function sessionsMatching(
  { sessions, streams }: PageHeader,
  { words, agents, types, steps }: Filter,
): readonly number[] {
  if (types !== undefined || (steps !== undefined && !steps.has(none))) return [];
  return [...sessions.keys()].filter((index) => {
    const { title, harness, folder, agent, streams: own = [] } = sessions[index] ?? {};
    if (agents !== undefined && !agents.has(agent ?? none)) return false;
    const prompts = own.flatMap((stream) => streams[stream]?.prompts ?? []);
    const text = [title, harness, folder, agent, ...prompts.map((prompt) => prompt[2])]
      .join(' ')
      .toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
