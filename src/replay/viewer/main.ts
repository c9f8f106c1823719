import type { PageHeader } from '../page/data.js';
import { App } from './app.js';
import { Lines, parseHeader, runFolder, runText } from './data.js';
import { element, shown } from './dom.js';
import { FollowedRun } from './followed-run.js';

async function start(root: HTMLElement): Promise<void> {
  let app: App | undefined;
  const show = (header: PageHeader): void => {
    const before = app?.stop();
    app = new App(root, header, new Lines(header));
    app.start(before);
  };
  const folder = runFolder();
  if (folder === undefined) {
    show(await parseHeader(runText()));
    return;
  }
  const run = new FollowedRun(folder, { isBusy: () => app?.isBusy === true, onHeader: show });
  await run.start();
}

const root = document.getElementById('app');
if (root !== null) {
  start(root).catch((error: unknown) => {
    const message = `This page cannot be shown: ${shown(String(error))}`;
    root.replaceChildren(element('p', { class: 'loading' }, message));
  });
}
