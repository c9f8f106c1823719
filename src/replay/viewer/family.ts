import type { PageHeader } from '../page/data.js';
import { button, element, shown } from './dom.js';
import { relativesOf } from './relatives.js';

/** More would fill the screen; the list of sessions has them all. */
const mostShown = 12;
const longestTitle = 60;

/** Links to them; nothing for a session without any. */
export function familyLinks(
  header: Pick<PageHeader, 'sessions'>,
  session: number,
  open: (session: number) => void,
): HTMLElement | undefined {
  const { from, to } = relativesOf(header, session);
  if (from.length + to.length === 0) return undefined;
  const link = (index: number): HTMLElement => {
    const { title = null, id = '' } = header.sessions[index] ?? {};
    const name = (title ?? id).slice(0, longestTitle);
    return button(shown(name), { class: 'child', dir: 'auto' }, () => open(index));
  };
  const rest = to.length - mostShown;
  return element(
    'p',
    { class: 'family' },
    ...(from.length === 0 ? [] : ['Came from ', ...from.map(link)]),
    ...(to.length === 0 ? [] : ['Led to ', ...to.slice(0, mostShown).map(link)]),
    ...(rest > 0 ? [` and ${rest} more`] : []),
  );
}
