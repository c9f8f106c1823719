import { App } from './app.js';
import { readHeader } from './data.js';
import { element, shown } from './dom.js';

async function start(): Promise<void> {
  const root = document.getElementById('app');
  if (root === null) return;
  try {
    const app = new App(root, await readHeader());
    app.start();
  } catch (error) {
    root.replaceChildren(
      element('p', { class: 'loading' }, `This page cannot be shown: ${shown(String(error))}`),
    );
  }
}

void start();
