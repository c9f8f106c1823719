import { mkdir, mkdtemp, readdir, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  chromiumPath,
  inChromium,
  launchChromium,
  openReplay,
  scrollThrough,
} from '../support/browser.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';

interface Logged {
  readonly type: string;
  readonly agent: string | null;
  readonly step: string | null;
  readonly text: string;
  readonly key: string;
}

/** Texts in the page with less than 4.5:1 to what is behind them, or under 11 px. */
async function faintTexts(page: Page): Promise<unknown> {
  return page.evaluate(`${contrastScript}
    const faint = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      const parent = node.parentElement;
      if (node.data.trim() === '' || parent === null || !parent.checkVisibility()) continue;
      if (parent.closest('script, style, noscript, option') !== null) continue;
      const style = getComputedStyle(parent);
      const behind = [];
      for (let one = parent; one !== null; one = one.parentElement) behind.unshift(getComputedStyle(one).backgroundColor);
      const found = contrast(style.color, behind);
      if (found < 4.5 || parseFloat(style.fontSize) < 11) {
        faint.push([node.data.slice(0, 40), found.toFixed(2), style.fontSize]);
      }
    }
    faint;
  `);
}

/** Colours are drawn to be read, whatever their notation; layers lie upon each other. */
const contrastScript = `
  const pen = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const mixed = (layers) => {
    pen.clearRect(0, 0, 1, 1);
    for (const layer of ['#fff', ...layers]) { pen.fillStyle = layer; pen.fillRect(0, 0, 1, 1); }
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (rgb) => {
    const [red, green, blue] = rgb.map((c) => c / 255).map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (color, behind) => {
    const [text, paper] = [luminance(mixed([...behind, color])), luminance(mixed(behind))];
    return (Math.max(text, paper) + 0.05) / (Math.min(text, paper) + 0.05);
  };
`;

/** What is written on the canvas, by the colours that it is drawn with. */
const faintPairs = `${contrastScript}
  const of = (name) => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
  const pairs = ['ink', 'soft', 'faint', 'blocked'].flatMap((text) => ['paper', 'lane'].map((behind) => [text, behind]));
  [...pairs, ['ink', 'claim']].filter(([text, behind]) => contrast(of(text), [of(behind)]) < 4.5);
`;

let world: CliWorld;
let browser: Browser;
let folder = '';
let file = '';
let shots = '';
let events: readonly Logged[] = [];

function wordAndText(page: Page): Promise<readonly [string, string]> {
  return Promise.all([
    page.locator('.record .word').innerText(),
    page.locator('.record .said').innerText(),
  ]);
}

describe.skipIf(chromiumPath === undefined)(inChromium('the replay of the demo'), () => {
  beforeAll(async () => {
    world = await createCliWorld();
    folder = join(world.root, 'demo');
    const { code, stderr } = await world.run(['demo', '--folder', folder, '--no-open']);
    if (code !== 0) throw new Error(stderr);
    file = join(folder, 'replay.html');
    // As the user who ran it, whose config it is.
    const inDemo = { cwd: folder };
    const { json } = await world.runJson(['log'], inDemo);
    events = (json as { readonly data: { readonly events: readonly Logged[] } }).data.events;
    shots =
      process.env.TRACECRAFT_SCREENSHOTS ?? (await mkdtemp(join(tmpdir(), 'tracecraft-shots-')));
    await mkdir(shots, { recursive: true });
    browser = await launchChromium();
  });

  afterAll(async () => {
    await browser.close();
    await world.remove();
  });

  it('has its marks in three lanes, as log prints them', async () => {
    const { page, troubles } = await openReplay(browser, file);
    expect(events).toHaveLength(24);
    expect(await readdir(join(folder, 'bucket', 'replaydemo', 'events'))).toHaveLength(24);
    expect(await page.locator('.stage').getAttribute('aria-label')).toContain(
      '24 marks in 3 lanes',
    );
    expect(await page.locator('.lane-name').allInnerTexts()).toEqual([
      'designer',
      'developer',
      'reviewer',
    ]);
    await page.locator('.stage').focus();
    for (const [index, event] of events.entries()) {
      await page.keyboard.press('ArrowRight');
      await page.locator(`.record[data-entry="${index}"]`).waitFor();
      const [, said] = await wordAndText(page);
      expect(said).toBe(event.text);
      expect(await page.locator('.key').innerText()).toBe(event.key);
      expect(await page.locator('.cursor').getAttribute('data-entry')).toBe(String(index));
    }
    expect(troubles).toEqual([]);
    await page.close();
  });

  it('shows the blocked handoff in red, with the reason', async () => {
    const { page } = await openReplay(browser, file);
    await page.getByRole('button', { name: '1 blocked' }).click();
    await page.locator('.record[data-entry]').waitFor();
    expect(await wordAndText(page)).toEqual([
      expect.stringMatching(/^blocked$/i),
      'review: missing auth check, needs rework',
    ]);
    const isRed = ([red = 0, green = 0, blue = 0]: readonly number[]) =>
      red > 150 && green < 90 && blue < 90;
    const color = await page.evaluate(
      'getComputedStyle(document.querySelector(".record .word")).color',
    );
    expect(isRed(String(color).match(/\d+/g)?.map(Number) ?? [])).toBe(true);
    const box = await page.locator('.cursor').boundingBox();
    const pixel = await page.evaluate(`(() => {
      const canvas = document.querySelector('.stage canvas');
      const at = canvas.getBoundingClientRect();
      const scale = canvas.width / at.width;
      const x = ${(box?.x ?? 0) + (box?.width ?? 0) / 2 - 4} - at.left;
      const y = ${(box?.y ?? 0) + (box?.height ?? 0) / 2} - at.top;
      return [...canvas.getContext('2d').getImageData(x * scale, y * scale, 1, 1).data];
    })()`);
    expect(isRed(pixel as readonly number[])).toBe(true);
    await page.close();
  });

  it('opens the clicked mark: the artifact, the rejected claim', async () => {
    const { page } = await openReplay(browser, file);
    for (const type of ['artifact.uploaded', 'step.claim_rejected']) {
      const index = events.findIndex((event) => event.type === type);
      await page.locator('.stage').focus();
      await page.keyboard.press('Home');
      for (let at = 0; at < index; at += 1) await page.keyboard.press('ArrowRight');
      await page.locator(`.record[data-entry="${index}"]`).waitFor();
      const box = await page.locator('.cursor').boundingBox();
      await page.keyboard.press('Home');
      await page.locator('.record[data-entry="0"]').waitFor();
      await page.mouse.click((box?.x ?? 0) + 11, (box?.y ?? 0) + 11);
      await page.locator(`.record[data-entry="${index}"]`).waitFor();
      const record = JSON.parse(await page.locator('.json').innerText()) as object;
      const stored = await readFile(join(folder, 'bucket', events[index]?.key ?? ''), 'utf8');
      expect(record).toEqual(JSON.parse(stored));
      expect(record).toHaveProperty('type', type);
    }
    await page.close();
  });

  it('filters by a search', async () => {
    const { page } = await openReplay(browser, file);
    await page.keyboard.press('/');
    await page.keyboard.type('auth');
    const fitting = events.filter((event) =>
      [event.type, event.agent, event.step, event.text].join(' ').toLowerCase().includes('auth'),
    );
    expect(fitting.length).toBeGreaterThan(2);
    expect(await page.locator('.count').innerText()).toBe(`${fitting.length} of 24 events`);
    await page.getByRole('button', { name: 'Table' }).click();
    expect(await page.locator('tbody td.about').allInnerTexts()).toEqual(
      fitting.map(({ text }) => text),
    );
    await page.close();
  });

  it('filters by agent, kind and step', async () => {
    const { page } = await openReplay(browser, file);
    await page.locator('summary', { hasText: 'Kinds' }).click();
    await page.locator('details[open] .link', { hasText: 'none' }).click();
    await page.getByLabel('message', { exact: true }).check();
    expect(await page.locator('.count').innerText()).toBe('5 of 24 events');
    await page.locator('summary', { hasText: 'Steps' }).click();
    await page.getByLabel('design', { exact: true }).uncheck();
    await page.getByLabel('build', { exact: true }).uncheck();
    expect(await page.locator('.count').innerText()).toBe('3 of 24 events');
    await page.close();
  });

  it('can be used by keyboard alone, down to the tool call behind an event', async () => {
    const { page, troubles } = await openReplay(browser, file);
    const reached = new Set<string>();
    for (let press = 0; press < 25; press += 1) {
      await page.keyboard.press('Tab');
      const name = await page.evaluate(
        '(document.activeElement.className || document.activeElement.tagName) + ":" + document.activeElement.textContent.slice(0, 12)',
      );
      reached.add(String(name));
    }
    const seen = [...reached].join(' ');
    for (const part of [
      'INPUT',
      'Agents',
      'Kinds',
      'Steps',
      'blocked',
      'Table',
      'stage',
      'strip-name',
    ]) {
      expect(seen).toContain(part);
    }
    await page.locator('.stage').focus();
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowLeft');
    await page.locator('.record[data-entry="22"]').waitFor();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    const target = page.locator('.entry.target');
    await target.waitFor();
    expect(await target.innerText()).toContain('tracecraft complete review --blocked');
    await page.keyboard.press('Escape');
    expect(await page.locator('.panel').isHidden()).toBe(true);
    await page.keyboard.press('t');
    await page.keyboard.press('ArrowDown');
    expect(await page.locator('tr[aria-selected="true"]').count()).toBe(1);
    expect(troubles).toEqual([]);
    await page.close();
  });

  it('opens a session where it was clicked, as a conversation and row by row', async () => {
    const { page } = await openReplay(browser, file);
    await page.locator('.strip-name', { hasText: 'Review the' }).click();
    await page.locator('.entry').first().waitFor();
    const options = await page.locator('.conversation option').allInnerTexts();
    expect(options).toEqual([
      'main (15 lines)',
      'subagents/agent-a93ccab1: List the routes that read a session, and which of them use the middleware. (6 lines)',
    ]);
    expect(await page.locator('.entry.prompt').allInnerTexts()).toEqual([
      expect.stringContaining('Review what the developer handed over.'),
    ]);
    const call = page.locator('.entry.call', { hasText: 'tracecraft claim review' });
    expect(await call.innerText()).toContain('✓');
    expect(await call.locator('.result').isVisible()).toBe(false);
    await call.locator('summary').click();
    expect(await call.locator('.result').innerText()).toContain('Claimed step review as reviewer');
    await page.getByRole('button', { name: 'All rows' }).click();
    await page.locator('.row').first().waitFor();
    expect(await scrollThrough(page, '.rows', 'data-line')).toHaveLength(15);
    await page.getByRole('button', { name: 'Conversation' }).click();
    await page.locator('.conversation select').selectOption({ index: 1 });
    await page.locator('.entry.prompt', { hasText: 'List the routes' }).waitFor();
    expect(await page.locator('.entry.answer').last().innerText()).toContain('missing there');
    await page.close();
  });

  it('says at the top what happened and why it ended, with links', async () => {
    const { page } = await openReplay(browser, file);
    const story = page.locator('.story');
    expect(await story.innerText()).toBe(
      'design ✓ designer → build ✓ developer → test ✓ developer → review ✗ reviewer: missing auth check, needs rework',
    );
    await story.getByRole('button', { name: /^review/ }).click();
    await page.locator('.record[data-entry]').waitFor();
    expect((await wordAndText(page))[0]).toMatch(/^blocked$/i);
    await page.close();
  });

  it('finds words in transcripts, and opens them there', async () => {
    const { page } = await openReplay(browser, file);
    await page.keyboard.press('/');
    await page.keyboard.type('anybody can change');
    await page.getByRole('button', { name: '1 in transcripts' }).click();
    await page.locator('.hit').click();
    await page.locator('.entry.target').waitFor();
    expect(await page.locator('.entry.target').innerText()).toContain('This cannot go out');
    await page.keyboard.press('Escape');
    await page.close();
  });

  it('lists sessions in the table, among the events', async () => {
    const { page } = await openReplay(browser, file);
    await page.keyboard.press('t');
    expect(await page.locator('tr.session .title-of').allInnerTexts()).toEqual([
      expect.stringContaining('Design the login contract 1 turn, 6 calls'),
      expect.stringContaining('Build the login check'),
      expect.stringContaining('Review the login check'),
    ]);
    expect(await page.locator('tr[data-entry]').count()).toBe(24);
    await page.locator('tr.session').first().click();
    await page.locator('.entry.prompt').waitFor();
    await page.close();
  });

  it('works by keyboard before anything is clicked', async () => {
    const { page } = await openReplay(browser, file);
    await page.keyboard.press('End');
    await page.locator('.record[data-entry="23"]').waitFor();
    await page.close();
  });

  it.each(['light', 'dark'] as const)(
    'has enough contrast and no small print in the %s theme',
    async (colorScheme) => {
      const { page } = await openReplay(browser, file);
      await page.emulateMedia({ colorScheme });
      expect(await faintTexts(page)).toEqual([]);
      expect(await page.evaluate(faintPairs)).toEqual([]);
      await page.keyboard.press('t');
      expect(await faintTexts(page)).toEqual([]);
      await page.locator('tr.session').last().click();
      await page.locator('.entry').first().waitFor();
      expect(await faintTexts(page)).toEqual([]);
      await page.getByRole('button', { name: 'All rows' }).click();
      await page.locator('.row').first().waitFor();
      expect(await faintTexts(page)).toEqual([]);
      await page.getByRole('button', { name: '1 blocked' }).click();
      await page.locator('.record[data-entry]').waitFor();
      expect(await faintTexts(page)).toEqual([]);
      await page.close();
    },
  );

  it("leaves most of a phone's screen free", async () => {
    const { page } = await openReplay(browser, file, { width: 390, height: 844 });
    const box = await page.locator('.top').boundingBox();
    expect(box?.height).toBeLessThanOrEqual(96);
    expect(await page.locator('.story').isVisible()).toBe(true);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    await page.close();
  });

  it("keeps the user's place when it is reopened", async () => {
    const { page } = await openReplay(browser, file);
    await page.getByRole('button', { name: '1 rejected' }).click();
    await page.keyboard.press('t');
    await page.waitForURL(/table/);
    await page.reload();
    await page.locator('#app[data-ready]').waitFor();
    expect(await page.locator('.table').isVisible()).toBe(true);
    expect(await page.locator('.record .word').innerText()).toMatch(/rejected/i);
    await page.close();
  });

  it('renders in light, in dark and on a narrow screen, for a person to judge', async () => {
    const { page, troubles } = await openReplay(browser, file);
    await page.screenshot({ path: join(shots, 'light.png') });
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.getByRole('button', { name: '1 blocked' }).click();
    await page.locator('.record[data-entry]').waitFor();
    await page.screenshot({ path: join(shots, 'dark.png') });
    await page.setViewportSize({ width: 420, height: 860 });
    await page.screenshot({ path: join(shots, 'narrow.png') });
    const wide = await page.evaluate('document.documentElement.scrollWidth');
    expect(wide).toBeLessThanOrEqual(420);
    await page.setViewportSize({ width: 1200, height: 820 });
    await page.emulateMedia({ media: 'print', colorScheme: 'light' });
    await page.evaluate('window.dispatchEvent(new Event("beforeprint"))');
    await page.screenshot({ path: join(shots, 'print.png'), fullPage: true });
    for (const name of ['light', 'dark', 'narrow', 'print']) {
      expect((await stat(join(shots, `${name}.png`))).size).toBeGreaterThan(10_000);
    }
    expect(troubles).toEqual([]);
    await page.close();
  });

  it('is under 300 kB without its data, and blocks all its requests', async () => {
    const html = await readFile(file, 'utf8');
    const bare = html.replace(/<script type="text\/plain"[^>]*>[^<]*<\/script>/g, '');
    expect(bare.length).toBeLessThan(300_000);
    expect(bare).toMatch(/default-src 'none'; script-src 'sha256-[^' ]+'; style-src 'sha256-/);
    const { page, troubles } = await openReplay(browser, file);
    const answer = await page.evaluate(
      'fetch("https://example.invalid/").then(() => "sent", () => "refused")',
    );
    expect(answer).toBe('refused');
    expect(troubles.join(' ')).toMatch(/Content Security Policy/);
    await page.close();
  });
});
