import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { chromiumPath } from '../../scripts/chromium.mjs';

export { chromiumPath, launchChromium } from '../../scripts/chromium.mjs';

/** What a suite that needs it is called. */
export function inChromium(what: string): string {
  const missing = 'SKIPPED, no Chromium here (Debian: apt-get install chromium; or set CHROMIUM): ';
  return `${chromiumPath === undefined ? missing : ''}${what}, in Chromium`;
}

export interface OpenPage {
  readonly page: Page;
  /** Errors and warnings of the console, exceptions, and every request but for the page's own file. */
  readonly troubles: readonly string[];
}

/** Opens a replay page from the disk and waits until it can be used. */
export async function openReplay(
  browser: Browser,
  path: string,
  size = { width: 1400, height: 820 },
): Promise<OpenPage> {
  const page = await browser.newPage({ viewport: size });
  const url = pathToFileURL(path).href;
  const troubles: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) troubles.push(message.text());
  });
  page.on('pageerror', (error) => troubles.push(String(error)));
  page.on('request', (request) => {
    if (request.url() !== url) troubles.push(`request: ${request.url()}`);
  });
  page.on('dialog', (dialog) => {
    troubles.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(url);
  await page.locator('#app[data-ready]').waitFor();
  return { page, troubles };
}

/**
 * All that a scrolling list shows from its beginning to its end, by an attribute of its rows. `screens`: how far it goes at
 * once; a list that keeps what it has shown can go to its end.
 */
export async function scrollThrough(
  page: Page,
  list: string,
  attribute: string,
  screens = 0.8,
): Promise<readonly number[]> {
  const script = `(async () => {
    const list = document.querySelector(${JSON.stringify(list)});
    const seen = new Set();
    const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
    list.scrollTop = 0;
    for (let still = 0; still < 12; ) {
      await frame();
      const before = seen.size;
      for (const row of list.querySelectorAll('[${attribute}]')) seen.add(Number(row.getAttribute('${attribute}')));
      const isAtEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 2;
      list.scrollTop += list.clientHeight * ${screens};
      still = isAtEnd && seen.size === before ? still + 1 : 0;
    }
    return [...seen];
  })()`;
  return (await page.evaluate(script)) as readonly number[];
}
