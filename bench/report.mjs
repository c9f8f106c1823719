// Renders bench/report.html and the figures of docs/benchmarks.md from bench/results alone. Usage: npm run bench:report [-- --check]
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chartsOf } from './charts.mjs';
import { judge } from './goals.mjs';
import { root } from './stand.mjs';

const results = join(root, 'bench', 'results');
const page = join(root, 'bench', 'report.html');
const document = join(root, 'docs', 'benchmarks.md');
const marks = ['<!-- figures: npm run bench:report -->', '<!-- end of figures -->'];

const logs = {};
for (const name of (await readdir(results)).filter((file) => file.endsWith('.json')).sort()) {
  const log = JSON.parse(await readFile(join(results, name), 'utf8'));
  logs[log.bench] = log;
}
const goals = judge(logs);
const text = await readFile(document, 'utf8');
const [before, rest] = text.split(marks[0]);
const [, after] = rest.split(marks[1]);
const outputs = [
  [page, html()],
  [document, `${before}${marks[0]}\n\n${markdown()}\n${marks[1]}${after}`],
];
if (process.argv.includes('--check')) {
  for (const [file, wanted] of outputs) {
    if ((await readFile(file, 'utf8')) === wanted) continue;
    console.error(`${file} is not what the logs say: npm run bench:report`);
    process.exitCode = 1;
  }
} else {
  for (const [file, wanted] of outputs) await writeFile(file, wanted);
  const missed = goals.filter(({ met }) => met === false);
  console.log(
    `${goals.filter(({ met }) => met === true).length} of ${goals.length} goals met, ${missed.length} missed; bench/report.html`,
  );
  for (const { bench, text: what, figure } of missed)
    console.log(`  missed: ${bench}: ${what}: ${figure}`);
}

function markdown() {
  const goalRows = goals.map(({ bench, text: what, figure, met }) => [
    bench,
    what,
    figure,
    word(met),
  ]);
  const parts = [table(['bench', 'goal', 'measured', 'met'], goalRows)];
  for (const log of Object.values(logs)) {
    parts.push(`### ${log.bench}`, aboutOf(log));
    for (const rows of tablesOf(log)) {
      const names = Object.keys(rows[0]);
      parts.push(
        table(
          names,
          rows.map((row) => names.map((name) => String(row[name] ?? ''))),
        ),
      );
    }
  }
  return `${parts.join('\n\n')}\n`;
}

function html() {
  const sections = Object.values(logs).map(
    (log) => `<section><h2>${escaped(log.bench)}</h2><p class="about">${escaped(aboutOf(log))}</p>
${chartsOf(log).join('\n')}
${tablesOf(log).map(htmlTable).join('\n')}</section>`,
  );
  const rows = goals.map(
    ({ bench, text: what, figure, met }) =>
      `<tr><td>${escaped(bench)}</td><td>${escaped(what)}</td><td>${escaped(figure)}</td><td class="${word(met)}">${word(met)}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>tracecraft: benchmarks</title>
<style>
:root { color-scheme: light dark; --ink: light-dark(#1b1f24, #e6e9ee); --paper: light-dark(#fff, #14171b); --faint: light-dark(#667080, #98a2b0); --line: light-dark(#dfe3e8, #333a43); --bar: light-dark(#2f6fde, #6ea2ff); --other: light-dark(#c2571a, #ffa066); --good: light-dark(#12703a, #58c98a); --bad: light-dark(#b3261e, #ff8a80); }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; } .about { color: var(--faint); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; margin: .6rem 0; }
th, td { text-align: left; padding: .25rem .7rem .25rem 0; border-bottom: 1px solid var(--line); } th { color: var(--faint); font-weight: 500; }
.yes { color: var(--good); } .no { color: var(--bad); font-weight: 600; }
svg { max-width: 100%; height: auto; display: block; margin: .6rem 0; } svg text { fill: var(--ink); font: 12px system-ui, sans-serif; } svg .faint { fill: var(--faint); }
svg rect { fill: var(--bar); } svg .other { fill: var(--other); } svg line { stroke: var(--line); } svg path { fill: none; stroke: var(--bar); stroke-width: 1.5; }
</style></head><body>
<h1>tracecraft: benchmarks</h1>
<p class="about">Drawn from the logs in bench/results; docs/benchmarks.md says what they mean and what they do not.</p>
<div class="scroll"><table><thead><tr><th>bench</th><th>goal</th><th>measured</th><th>met</th></tr></thead><tbody>
${rows.join('\n')}
</tbody></table></div>
${sections.join('\n')}
</body></html>
`;
}

function htmlTable(rows) {
  const names = Object.keys(rows[0]);
  const head = names.map((name) => `<th>${escaped(name)}</th>`).join('');
  const body = rows.map(
    (row) =>
      `<tr>${names.map((name) => `<td>${escaped(String(row[name] ?? ''))}</td>`).join('')}</tr>`,
  );
  return `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${body.join('\n')}</tbody></table></div>`;
}

function tablesOf(log) {
  const own = [
    log.measured,
    log.curves,
    log.table,
    log.remote,
    log.packing,
    log.growing,
    log.cost,
  ].filter((rows) => Array.isArray(rows) && rows.length > 0);
  if (own.length > 0) return own;
  const plain = Object.entries(log).filter(([name]) => !['bench', 'at', 'machine'].includes(name));
  return [
    plain.map(([figure, value]) => ({
      figure,
      value: typeof value === 'object' ? JSON.stringify(value) : value,
    })),
  ];
}

function aboutOf({ at, machine, server, full, load_average: load }) {
  const size = full === undefined ? '' : full ? ', full size' : ', small size';
  const { cpu, cores, node, os } = machine;
  const where = `${cpu}, ${cores} cores, Node ${node}, ${os}`;
  return `${at}${size}. ${where}.${server ? ` ${server}.` : ''}${load ? ` Load at the end: ${load.join(', ')}.` : ''}`;
}

function table(names, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(names), line(names.map(() => '---')), ...rows.map(line)].join('\n');
}

function word(met) {
  return met === undefined ? 'unknown' : met ? 'yes' : 'no';
}

function escaped(value) {
  return value.replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`);
}
