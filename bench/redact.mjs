// How fast redaction is, and that no input makes it slow. Usage: npm run bench:redact [-- --pairs all] [--part 1/8] [--screen-bytes 4096] [--suspects 25]
// One core; megabytes per CPU second. The lines are made here: shaped like transcripts, the same in every run. The speeds
// are printed first; --part screens one part of all pairs, so that several runs share them.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { rolldown } from 'rolldown';
import { writeReport } from './machine.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '400' },
    part: { type: 'string', default: '1/1' },
    'screen-bytes': { type: 'string', default: '4096' },
    suspects: { type: 'string', default: '25' },
  },
});
const megabyte = 1 << 20;
const passes = 5;
/** What source code, prose and listings are made of; `token`, `key` and the like come about as often as in transcripts. */
const vocabulary = (
  'the of and to in is that for it as was with be by on not he his but at are this have from or had an they which one ' +
  'you were all her she there would their we him been has when who will no more if out so said what up its about into ' +
  'const let return function import export class extends interface type async await if else for while switch case break ' +
  'new throw try catch finally path file line error test value name list map filter reduce index length string number ' +
  'boolean object array request response session config user client server handler router module package version build ' +
  'deploy branch commit merge review issue comment update delete create select insert where order group join limit count ' +
  'node_modules src lib dist docs README.md index.ts utils.py main.go token key secret-less 1024 0x1f 3.14 {} [] => ==='
).split(' ');

const folder = await mkdtemp(join(tmpdir(), 'tracecraft-bench-'));

try {
  const { createRedactor } = await load('src/redact/redactor.ts');
  const { rules } = await load('src/redact/rules.ts');
  const redactor = createRedactor();
  const clean = transcript(32 * megabyte, () => undefined);
  const dirty = transcript(32 * megabyte, (n) => (n % 50 === 0 ? secret(n) : undefined));
  // The first passes include what V8 spends on compiling, on threads of its own.
  const first = throughput(redactor, clean);
  throughput(redactor, dirty);
  const speeds = {
    clean_mb_per_cpu_s: median(passes, () => throughput(redactor, clean)),
    with_a_secret_every_50th_line_mb_per_cpu_s: median(passes, () => throughput(redactor, dirty)),
    first_pass_mb_per_cpu_s: first,
  };
  console.table(speeds);
  const anchors = [...new Set(rules.flatMap((rule) => rule.anchors))];
  const singles = slowest(redactor, anchors.length, (index) => anchors[index]);
  const pairs = slowestPair(redactor, anchors);
  console.table({ 'an anchor × 1 MB': singles, 'two anchors × 1 MB': pairs });
  await writeReport('redact', { speeds, anchors: anchors.length, singles, pairs });
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function load(entry) {
  const file = join(folder, `${entry.replace(/\W/g, '-')}.mjs`);
  const build = await rolldown({ cwd: root, input: entry, platform: 'node' });
  await build.write({ file, format: 'esm', codeSplitting: false });
  await build.close();
  return import(pathToFileURL(file).href);
}

function throughput(redactor, lines) {
  const bytes = lines.reduce((sum, line) => sum + line.length, 0);
  const seconds = cpuSeconds(() => {
    for (const line of lines) redactor.redact(line);
  });
  return Math.round(bytes / 1e6 / seconds);
}

function median(count, measure) {
  const sorted = Array.from({ length: count }, measure).sort((left, right) => left - right);
  return sorted[count >> 1];
}

/**
 * Every unit repeated to a few KiB, and the slowest of them to 1 MB: what costs much per byte stands out in the first
 * round already.
 */
function slowest(redactor, count, unitOf) {
  const suspects = [];
  const size = Number(values['screen-bytes']);
  const wanted = Number(values.suspects);
  const keepSlowest = (most) => {
    suspects.sort((left, right) => right.seconds - left.seconds);
    suspects.length = Math.min(suspects.length, most);
  };
  for (let index = 0; index < count; index += 1) {
    const unit = unitOf(index);
    suspects.push({ unit, seconds: secondsFor(redactor, unit, size) });
    // More than are wanted are measured twice, so that a pause of the machine displaces no suspect.
    if (suspects.length > 4_000) keepSlowest(wanted * 4);
    if (index % 10_000 === 9_999) process.stderr.write(`\r${index + 1} of ${count}`);
  }
  keepSlowest(wanted * 4);
  for (const suspect of suspects) {
    suspect.seconds = Math.min(suspect.seconds, secondsFor(redactor, suspect.unit, size));
  }
  keepSlowest(wanted);
  let worst = { cpu_s: 0, unit: '' };
  for (const { unit } of suspects) {
    const seconds = secondsFor(redactor, unit, megabyte);
    if (seconds > worst.cpu_s) worst = { cpu_s: seconds, unit: JSON.stringify(unit) };
  }
  return { tried: count, cpu_s: Math.round(worst.cpu_s * 1000) / 1000, unit: worst.unit };
}

/** Of all ordered pairs, or of as many as were asked for, spread over all. */
function slowestPair(redactor, anchors) {
  const all = anchors.length ** 2;
  const [part, parts] = values.part.split('/').map(Number);
  const wanted = values.pairs === 'all' ? all : Math.min(all, Number(values.pairs));
  const first = Math.floor(((part - 1) * wanted) / parts);
  const last = Math.floor((part * wanted) / parts);
  return slowest(redactor, last - first, (n) => {
    const index = Math.floor(((first + n) * all) / wanted);
    return anchors[Math.floor(index / anchors.length)] + anchors[index % anchors.length];
  });
}

function secondsFor(redactor, unit, size) {
  const line = Buffer.from(`${unit.repeat(Math.ceil(size / unit.length))}\n`, 'latin1');
  return cpuSeconds(() => redactor.redact(line));
}

function cpuSeconds(work) {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** Rows as harnesses write them: JSON with a text that is code, prose, a listing or a diff, escaped as they escape it. */
function transcript(size, secretOf) {
  const random = sequence(7);
  const lines = [];
  for (let bytes = 0, n = 0; bytes < size; n += 1) {
    const found = secretOf(n);
    const text = [passage(random), found === undefined ? '' : `key: ${found}`, passage(random)];
    const usage = { input_tokens: n * 7, output_tokens: n * 3, cache_read_input_tokens: n * 11 };
    const row = {
      parentUuid: uuid(random),
      isSidechain: false,
      cwd: '/home/alex/work',
      sessionId: '00000000-0000-4000-8000-000000000001',
      type: n % 2 === 0 ? 'assistant' : 'user',
      message: { role: 'assistant', content: [{ type: 'text', text: text.join('\n') }], usage },
      uuid: uuid(random),
    };
    const line = Buffer.from(`${JSON.stringify(row)}\n`);
    lines.push(line);
    bytes += line.length;
  }
  return lines;
}

function passage(random) {
  const words = vocabulary;
  const count = 20 + Math.floor(random() ** 3 * 900);
  let text = '';
  for (let n = 0; n < count; n += 1) {
    const word = words[Math.floor(random() * words.length)];
    const sign = random();
    text += word + (sign < 0.08 ? '(' : sign < 0.16 ? ');\n  ' : sign < 0.2 ? ': "' : ' ');
  }
  return text;
}

function uuid(random) {
  const hex = (length) =>
    Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join('');
  return `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`;
}

function secret(n) {
  const random = sequence(n);
  const alphabet = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
  const body = Array.from({ length: 36 }, () => alphabet[Math.floor(random() * alphabet.length)]);
  return `gh${'p'}_${body.join('')}`;
}

/** A small linear congruential generator (Numerical Recipes' constants): the same lines in every run. */
function sequence(seed) {
  let state = (seed * 2_654_435_761) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
