import type { PageHeader, PageSession } from '../page/data.js';

/** What a session, or a sub-agent of it, is called. */
export function streamTitle(
  { streams }: PageHeader,
  about: PageSession | undefined,
  stream: number,
): string {
  const { name = '', title = null } = streams[stream] ?? {};
  if (name !== '') return title ?? name;
  return about?.title ?? about?.id.slice(0, 8) ?? '';
}
