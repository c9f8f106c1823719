import type { PageHeader, PageSession } from '../page/data.js';

/** The title of a session or of one of its sub-agents. */
export function streamTitle(
  { streams }: PageHeader,
  about: PageSession | undefined,
  stream: number,
): string {
  const { name = '', title = null } = streams[stream] ?? {};
  if (name !== '') return title ?? name;
  return about?.title ?? about?.id.slice(0, 8) ?? '';
}
