import { once } from 'node:events';
import { cpSync, existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { partName } from '../../src/protocol/parts.js';
import type { PageHeader } from '../../src/replay/page/data.js';
import {
  chromiumPath,
  inChromium,
  launchChromium,
  openReplay,
  scrollThrough,
} from '../support/browser.js';
import { writeEvents, writeObject, writeSession } from '../support/generated-run.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';

let world: CliWorld;
let browser: Browser;
let root = '';
const fixtures = fileURLToPath(new URL('../../../shared/fixtures/harness', import.meta.url));

async function replay(): Promise<string> {
  const file = join(world.project, 'replay.html');
  const { code, stderr } = await world.run(['replay', '-o', file]);
  if (code !== 0) throw new Error(stderr);
  return file;
}

async function headerOf(file: string): Promise<PageHeader> {
  const html = await readFile(file, 'utf8');
  const data = /id="run">([^<]*)</.exec(html)?.[1] ?? '';
  return JSON.parse(gunzipSync(Buffer.from(data, 'base64')).toString('utf8')) as PageHeader;
}

/** Every row of every stream is brought into view once. */
async function rowsShown(page: Page, header: PageHeader): Promise<readonly number[]> {
  const counts: number[] = [];
  for (const { streams } of header.sessions) {
    for (const stream of streams) {
      const place = { entry: null, view: 'lanes', stream, line: 0, isRows: true };
      const fragment = encodeURIComponent(JSON.stringify({ place, filters: {} }));
      await page.evaluate(`location.hash = ${JSON.stringify(fragment)}; location.reload()`);
      await page.waitForLoadState('load');
      await page.locator('#app[data-ready] .conversation h2').waitFor();
      if ((header.streams[stream]?.lines ?? 0) > 0) await page.locator('.row').first().waitFor();
      counts[stream] = (await scrollThrough(page, '.rows', 'data-line', 1_000)).length;
    }
  }
  return counts;
}

describe.skipIf(chromiumPath === undefined)(inChromium('replays of runs of all kinds'), () => {
  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterAll(() => browser.close());

  beforeEach(async () => {
    world = await createCliWorld();
    await world.run(['init', '--project', 'run', '--agent', 'anna']);
    root = join(world.home, '.tracecraft', 'bucket', 'run');
  });

  afterEach(() => world.remove());

  it('agree with log and bucket on 5,000 events', { timeout: 120_000 }, async () => {
    await writeEvents(root, 'run', 4_999);
    const { json } = await world.runJson(['log']);
    const { events } = (json as { data: { events: readonly { key: string; text: string }[] } })
      .data;
    const names = await readdir(join(root, 'events'));
    expect(events.map(({ key }) => key)).toEqual(names.sort().map((name) => `run/events/${name}`));
    const { page, troubles } = await openReplay(browser, await replay());
    expect(await page.locator('.stage').getAttribute('aria-label')).toMatch(
      /^5000 marks in 8 lanes/,
    );
    await page.keyboard.press('t');
    const rows = await scrollThrough(page, '.table', 'data-entry', 1.5);
    expect(rows).toEqual(Array.from({ length: 5_000 }, (_, index) => index));
    const header = await headerOf(join(world.project, 'replay.html'));
    expect(header.entries.text).toEqual(events.map(({ text }) => text));
    expect(troubles).toEqual([]);
    await page.close();
  });

  it.skipIf(!existsSync(fixtures))(
    'show every row of the sample trees of the harnesses',
    { timeout: 240_000 },
    async () => {
      for (const [from, to] of [
        ['claude-code', '.claude'],
        ['codex', '.codex'],
        ['hermes', '.hermes'],
        ['openclaw', '.openclaw'],
      ] as const) {
        cpSync(join(fixtures, from), join(world.home, to), { recursive: true });
      }
      await world.run(['init', '--global', '--project', 'run', '--agent', 'anna'], {
        cwd: world.home,
      });
      const { code, stderr } = await world.run(['watch', '--once', '--all'], { cwd: world.home });
      expect([0, 10], stderr).toContain(code);
      const file = await replay();
      const header = await headerOf(file);
      const inBucket = await linesInBucket(root);
      const total = header.streams.slice(1).reduce((sum, { lines }) => sum + lines, 0);
      expect(total).toBe(inBucket);
      expect(total).toBeGreaterThan(1_000);
      const harnesses = new Set(header.sessions.map(({ harness }) => harness));
      expect([...harnesses].sort()).toEqual(['claude-code', 'codex', 'hermes', 'openclaw']);
      const { page, troubles } = await openReplay(browser, file);
      const shown = await rowsShown(page, header);
      expect(header.streams.map((_, index) => shown[index] ?? 0).slice(1)).toEqual(
        header.streams.slice(1).map(({ lines }) => lines),
      );
      expect(troubles).toEqual([]);
      await page.close();
    },
  );

  it('show hostile input as text', { timeout: 60_000 }, async () => {
    const evil =
      '</script><script>window.hacked=1</script><img src=x onerror="window.hacked=2">"onload=';
    const strange = `${evil} \u001b[31mred \u202eright \u0000 ${'w'.repeat(1_000_000)}`;
    const stamp = (index: number) => `17954000000000000${String(index).padStart(2, '0')}`;
    const event = (type: string, more: object) =>
      JSON.stringify({ schema: 1, type, agent: evil, step: evil, at: 'x', ...more });
    await writeObject(root, `events/${stamp(1)}_anna_00000001.json`, event('step.claimed', {}));
    await writeObject(root, `events/${stamp(2)}_anna_00000002.json`, event(evil.slice(0, 100), {}));
    await writeObject(root, `events/${stamp(3)}_anna_00000003.json`, 'no json');
    await writeObject(
      root,
      `events/${stamp(4)}_anna_00000004.json`,
      Buffer.from([0xff, 0xfe, 0x7b]),
    );
    await writeObject(root, `events/${stamp(5)}_anna_00000005.json`, '{"type": {}}');
    await writeObject(
      root,
      `events/${stamp(6)}_anna_00000006.json`,
      JSON.stringify({
        type: '__proto__',
        agent: 'constructor',
        step: '__proto__',
        data: { ref: [] },
      }),
    );
    await writeObject(
      root,
      `messages/anna/${stamp(7)}_ben_00000007.json`,
      JSON.stringify({ from: 'ben', message: strange }),
    );
    const lines = [
      JSON.stringify({ type: 'user', message: { content: strange } }),
      'no json \u001b[31m',
      '[]',
      'null',
      '{"type":"__proto__","message":{"content":[null,5,{"type":"tool_use","input":"x"}]}}',
      `${'['.repeat(5_000)}`,
    ];
    const part = Buffer.concat([
      Buffer.from(`${lines.join('\n')}\n`),
      Buffer.from([0x22, 0xff, 0xfe, 0x00, 0x22, 0x0a]),
    ]);
    await writeObject(root, `sessions/claude-code/s1/${partName(0, 0, 0)}`, part);
    await writeObject(root, 'sessions/claude-code/s1/meta.json', 'no meta');
    const { stderr } = await world.run(['replay', '-o', join(world.project, 'replay.html')]);
    expect(stderr).toContain('00000003.json: not JSON');
    const file = join(world.project, 'replay.html');
    const { page, troubles } = await openReplay(browser, file);
    const header = await headerOf(file);
    expect(header.warnings).toHaveLength(4);
    await page.locator('.stage').focus();
    for (let index = 0; index < header.entries.timeMs.length; index += 1) {
      await page.keyboard.press('ArrowRight');
      await page.locator(`.record[data-entry="${index}"]`).waitFor();
    }
    await page.keyboard.press('t');
    await page.locator('.warnings summary').click();
    await page.locator('summary', { hasText: 'Kinds' }).click();
    await page.keyboard.press('Escape');
    await page.keyboard.press('t');
    await page.locator('.strip-name, .lane-name').first().waitFor();
    expect((await rowsShown(page, header))[1]).toBe(7);
    for (const toggle of await page.locator('.raw-toggle').all()) await toggle.click();
    expect(await page.locator('.row').first().innerText()).toContain(
      '</script><script>window.hacked',
    );
    expect(await page.evaluate('window.hacked')).toBeUndefined();
    expect(await page.locator('main img, main script').count()).toBe(0);
    const text = await page.locator('body').innerText();
    expect(['\u001b', '\u202e', '\u0000'].filter((one) => text.includes(one))).toEqual([]);
    expect(troubles).toEqual([]);
    await page.close();
  });

  it('stay usable with input that no run should contain', { timeout: 120_000 }, async () => {
    const stamp = (index: number) => `17954000${String(index).padStart(5, '0')}000000`;
    const put = (index: number, event: string) =>
      writeObject(root, `events/${stamp(index)}_a_${String(index).padStart(8, '0')}.json`, event);
    const lanes = 1_500;
    for (let index = 0; index < lanes; index += 1) {
      await put(
        index,
        JSON.stringify({ type: 'step.claimed', agent: `a${index}`, step: `s${index}` }),
      );
    }
    const odd = [
      '{"type":"__proto__","agent":"__proto__","step":"constructor","data":{"__proto__":{"ref":1}}}',
      '{"type":"step.blocked","agent":"\\ud800\\u0000","data":{"note":"\\udfff javascript:alert(1)"}}',
      `{"type":"memory.set","agent":"me","data":{"ref":{"key":"run/events/${stamp(lanes + 2)}_a_00001502.json","version":1e308}}}`,
    ];
    for (const [index, event] of odd.entries()) await put(lanes + index, event);
    await put(
      lanes + 3,
      `{"type":"memory.set","data":{"v":${'['.repeat(10_000)}${']'.repeat(10_000)}}}`,
    );
    await writeObject(
      root,
      `events/${'9'.repeat(19)}_a_0000000a.json`,
      '{"type":"x","agent":"far"}',
    );
    await writeObject(
      root,
      `events/${'0'.repeat(19)}_a_0000000b.json`,
      '{"type":"x","agent":"old"}',
    );
    const said = (timestamp: unknown, content: string) =>
      JSON.stringify({ type: 'user', timestamp, message: { role: 'user', content } });
    const rows = [
      said(1e308, 'when'),
      said('+275760-09-13T00:00:00.000Z', 'late'),
      said('2026-11-23T04:00:00Z', 'w'.repeat(2_000_000)),
      said('2026-11-23T04:00:00Z', 'twice'),
      said('2026-11-23T04:00:00Z', 'twice'),
      `{"type":"user","message":{"content":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_001)}}`,
    ];
    await writeObject(root, `sessions/claude-code/s1/${partName(0, 0, 0)}`, `${rows.join('\n')}\n`);
    const file = await replay();
    const { page, troubles } = await openReplay(browser, file, { width: 1400, height: 820 });
    const header = await headerOf(file);
    expect(header.warnings).toHaveLength(1);
    expect(header.entries.timeMs).toHaveLength(lanes + odd.length + 3);
    expect(await page.locator('.lane-head').count()).toBeLessThan(200);
    await page.locator('.stage').focus();
    await page.keyboard.press('End');
    await page.locator('.lane-name', { hasText: /^far$/ }).waitFor();
    await page.evaluate(`document.querySelector('.scroller').scrollTop = 1e9`);
    await page.locator('.strip-name').first().click();
    await page.locator('.entry').first().waitFor();
    await page.getByRole('button', { name: 'All rows' }).click();
    await page.locator('.row').last().waitFor();
    expect(await page.locator('.row').count()).toBe(rows.length);
    await page.getByRole('button', { name: /^Show more \(6,000 of 2,000,000/ }).click();
    await page.getByRole('button', { name: /^Show more \(106,000 of 2,000,000/ }).waitFor();
    for (const toggle of await page.locator('.raw-toggle').all()) await toggle.click();
    expect(await page.locator('main a').count()).toBe(0);
    expect(troubles).toEqual([]);
    await page.close();
  });

  it("follow a run without losing the user's place, and end as one file", {
    timeout: 60_000,
  }, async () => {
    await writeEvents(root, 'run', 20);
    const file = join(world.project, 'replay.html');
    const child = world.start(['replay', '-o', file, '--follow', '--interval', '1s']);
    const ended = once(child, 'close');
    await vi.waitUntil(() => existsSync(join(world.project, 'replay-data', 'run.js')), 20_000);
    const { page, troubles } = await openReplay(browser, file);
    await page.evaluate('window.isSamePage = true');
    await page.keyboard.press('End');
    await page.locator('.record[data-entry]').waitFor();
    await page.getByRole('button', { name: 'Zoom in' }).click();
    for (const [index, type] of ['step.claimed', 'step.blocked'].entries()) {
      const event = { type, agent: 'zoe', step: 'late', data: { note: 'no room' } };
      const key = `events/${`179${index + 8}`.padEnd(19, '0')}_zoe_0000fff${index}.json`;
      await writeObject(root, key, JSON.stringify(event));
    }
    await page.locator('.story', { hasText: 'late ✗ zoe: no room' }).waitFor();
    await page.locator('.lane-name', { hasText: 'zoe' }).waitFor();
    expect(await page.locator('.record[data-entry]').isVisible()).toBe(true);
    expect(await page.evaluate('window.isSamePage')).toBe(true);
    child.kill('SIGINT');
    await ended;
    expect(existsSync(join(world.project, 'replay-data'))).toBe(false);
    await page.locator('#app[data-ready] .title', { hasText: '· written' }).waitFor();
    expect(await page.evaluate('window.isSamePage')).toBeUndefined();
    expect(troubles.filter((one) => !/run\.js|replay-data|ERR_FILE_NOT_FOUND/.test(one))).toEqual(
      [],
    );
    await page.close();
  });

  it('show one session alone if it is named', { timeout: 60_000 }, async () => {
    await writeEvents(root, 'run', 20);
    for (const id of ['alpha', 'beta'])
      await writeSession(root, { id, agent: 'anna', bytes: 9_000 });
    const file = join(world.project, 'one.html');
    const { code } = await world.run(['replay', 'alph', '-o', file]);
    expect(code).toBe(0);
    const header = await headerOf(file);
    expect(header.sessions.map(({ id }) => id)).toEqual(['alpha']);
    expect(header.entries.timeMs).toEqual([]);
    const { page } = await openReplay(browser, file);
    await page.locator('.conversation .entry').first().waitFor();
    await page.close();
    expect((await world.run(['replay', 'gamma', '-o', file])).code).toBe(3);
  });

  it('put the data of very large runs next to the page', { timeout: 60_000 }, async () => {
    const id = 'big';
    const lines = await writeSession(root, { id, agent: 'anna', bytes: 3_000_000 });
    const file = join(world.project, 'replay.html');
    const { json } = await world.runJson(['replay', '-o', file], {
      env: { TRACECRAFT_REPLAY_IN_PAGE: '1000000' },
    });
    expect(json).toMatchObject({ data: { data_folder: 'replay-data', lines } });
    const { page, troubles } = await openReplay(browser, file);
    await page.locator('.strip-name').click();
    await page.locator('.entry').first().waitFor();
    await page.getByRole('button', { name: 'All rows' }).click();
    await page.locator('.row').first().waitFor();
    await page.locator('.jump input').focus();
    await page.keyboard.press('End');
    await page.locator(`.row[data-line="${lines - 1}"]`).waitFor();
    const others = troubles.filter((one) => !/^request: file:.*replay-data\/c\d+\.js$/.test(one));
    expect(others).toEqual([]);
    await page.close();
  });
});

async function linesInBucket(project: string): Promise<number> {
  let count = 0;
  for (const entry of await readdir(project, { recursive: true })) {
    if (!/part-[^/]*\.jsonl$/.test(entry)) continue;
    for (const byte of await readFile(join(project, entry))) if (byte === 0x0a) count += 1;
  }
  return count;
}
