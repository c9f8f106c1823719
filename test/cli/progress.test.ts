import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { startProgress } from '../../src/cli/progress.js';
import type { Clock } from '../../src/clock.js';

function fakeClock(): Clock & { advance(ms: number): void } {
  let time = 0;
  return {
    now: () => time,
    monotonic: () => time,
    sleep: async () => undefined,
    advance: (ms) => {
      time += ms;
    },
  };
}

function capture(isTTY: boolean): { stream: PassThrough & { isTTY: boolean }; text(): string } {
  const chunks: Buffer[] = [];
  const stream = Object.assign(new PassThrough(), { isTTY });
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return { stream, text: () => Buffer.concat(chunks).toString('utf8') };
}

describe('progress without a terminal', () => {
  it('is silent for work that takes less than a second', () => {
    const { stream, text } = capture(false);
    const clock = fakeClock();
    const progress = startProgress({ label: 'upload', total: 100, unit: 'items', stream, clock });
    for (let done = 0; done <= 100; done += 1) progress.update(done);
    progress.stop();
    expect(text()).toBe('');
  });

  it('writes a line at every further 10 % and at the end', () => {
    const { stream, text } = capture(false);
    const clock = fakeClock();
    const progress = startProgress({ label: 'upload', total: 1000, unit: 'items', stream, clock });
    for (let done = 0; done <= 1000; done += 10) {
      clock.advance(20);
      progress.update(done);
    }
    progress.stop();
    expect(text().split('\n')).toEqual([
      'upload: 49 % (490 of 1,000)',
      'upload: 59 % (590 of 1,000)',
      'upload: 69 % (690 of 1,000)',
      'upload: 79 % (790 of 1,000)',
      'upload: 89 % (890 of 1,000)',
      'upload: 99 % (990 of 1,000)',
      'upload: 100 % (1,000 of 1,000)',
      '',
    ]);
  });

  it('writes a line every 5 s for slow work with a growing total', () => {
    const { stream, text } = capture(false);
    const clock = fakeClock();
    const label = 'catching\u001bup';
    const progress = startProgress({ label, total: 1024, unit: 'bytes', stream, clock });
    for (let second = 1; second <= 11; second += 1) {
      clock.advance(1000);
      progress.update(second, 10_240);
    }
    expect(text().split('\n')).toEqual([
      'catching\\x1bup: 0 % (1 B of 10.0 KiB)',
      'catching\\x1bup: 0 % (6 B of 10.0 KiB)',
      'catching\\x1bup: 0 % (11 B of 10.0 KiB)',
      '',
    ]);
  });

  it('is silent with --quiet', () => {
    const { stream, text } = capture(false);
    const clock = fakeClock();
    const options = { label: 'x', total: 1, unit: 'items', stream, clock, isQuiet: true } as const;
    const progress = startProgress(options);
    clock.advance(60_000);
    progress.update(1);
    progress.stop();
    expect(text()).toBe('');
  });
});

describe('progress on a terminal', () => {
  it('is a bar that disappears at the end', async () => {
    const { stream, text } = capture(true);
    const clock = fakeClock();
    const progress = startProgress({ label: 'upload', total: 2048, unit: 'bytes', stream, clock });
    progress.update(10);
    clock.advance(2_000);
    const shown = once(stream, 'data');
    progress.update(1024);
    await shown;
    expect(text()).toContain('upload [');
    expect(text()).toContain('50 %  1.0 KiB of 2.0 KiB');
    progress.update(2048);
    progress.stop();
    const hidden = text().lastIndexOf('\u001b[?25l');
    expect(hidden).toBeGreaterThanOrEqual(0);
    expect(text().lastIndexOf('\u001b[?25h')).toBeGreaterThan(hidden);
    expect(process.listeners('exit').map(({ name }) => name)).not.toContain('finish');
  });

  it('does not appear if the work ends while it loads', async () => {
    const { stream, text } = capture(true);
    const clock = fakeClock();
    const progress = startProgress({ label: 'upload', total: 2, unit: 'items', stream, clock });
    clock.advance(2_000);
    progress.update(1);
    progress.stop();
    await import('cli-progress');
    expect(text()).toBe('');
  });
});
