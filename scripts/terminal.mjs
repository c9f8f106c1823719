import { execFile, spawn } from 'node:child_process';
import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const sessionId = '7d1c9a52-7f0e-4c3b-9b1e-2a6f0c4d8e11';
const homeShown = '/home/alex';
const columns = 112;
/** In two pieces, so that no complete key is in the repository. */
const key = ['AKIA', 'Q3EGRTNW7SJVHB4K'].join('');
const messages = [
  'Deploy the shop to staging.',
  `Run: deploy with ${key} to staging`,
  'Done. The shop is on staging.',
];

/** Runs the real commands in a home of their own, and returns their lines as a terminal would show them. */
export async function recordTerminal(root, home) {
  const env = { PATH: process.env.PATH, HOME: home, TZ: 'UTC', LC_ALL: 'C.UTF-8' };
  const cli = join(root, 'bin', 'run.cjs');
  const show = (text) => text.replaceAll(home, homeShown).split('\n').filter(Boolean);
  const watched = await watchSession(cli, home, env);
  const pattern = 'deploy with [^ ]* ';
  const bucket = join(home, '.tracecraft', 'bucket');
  const found = await execute('grep', ['-rho', pattern, bucket], { env });
  const verified = await execute(process.execPath, [cli, 'session', 'verify'], { env, cwd: home });
  return [
    { prompt: 'tracecraft watch --verbose' },
    ...show(watched).map((text) => ({ text })),
    { prompt: `grep -rho '${pattern}' ~/.tracecraft/bucket` },
    ...show(found.stdout).map((text) => ({ text })),
    { prompt: 'tracecraft session verify' },
    ...show(verified.stdout).map((text) => ({ text })),
  ];
}

/** A watch that sees a session grow by one row at a time; each row waits until the last one is in the bucket. */
async function watchSession(cli, home, env) {
  const folder = join(home, '.claude', 'projects', '-home-alex-shop');
  await mkdir(folder, { recursive: true });
  const child = spawn(process.execPath, [cli, 'watch', '--poll', '--verbose'], { env, cwd: home });
  let text = '';
  let wake = () => undefined;
  const listen = (chunk) => {
    text += chunk;
    wake();
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  const until = async (pattern) => {
    while (!pattern.test(text)) {
      if (child.exitCode !== null) throw new Error(`watch ended:\n${text}`);
      await new Promise((resolve) => {
        wake = resolve;
        child.once('exit', resolve);
      });
    }
  };
  await until(/^No sessions yet/m);
  for (const [index, message] of messages.entries()) {
    await appendFile(join(folder, `${sessionId}.jsonl`), rowOf(index, message));
    await until(new RegExp(`uploaded part-0000${index}-.*\n`));
  }
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGINT');
  await ended;
  return text;
}

function rowOf(index, message) {
  const type = index === 1 ? 'assistant' : 'user';
  const row = {
    type,
    sessionId,
    cwd: `${homeShown}/shop`,
    timestamp: `2026-11-23T00:59:4${index}.000Z`,
    message: { role: type, content: message },
  };
  return `${JSON.stringify(row)}\n`;
}

const size = 13;
const charWidth = 7.83;
const lineHeight = 20;
const padding = 18;
const barHeight = 34;

/** The lines as an SVG of a terminal window. */
export function terminalSvg(lines) {
  const wrapped = lines.flatMap(wrap);
  const width = Math.round(columns * charWidth + 2 * padding);
  const height = barHeight + wrapped.length * lineHeight + padding;
  const rows = wrapped.map(({ prompt, text }, index) => {
    const y = barHeight + index * lineHeight + size;
    const content = prompt === undefined ? colour(text) : `${span('p', '$')} ${span('c', prompt)}`;
    return `<text x="${padding}" y="${y}" xml:space="preserve">${content}</text>`;
  });
  const dots = ['#ff5f57', '#febc2e', '#28c840'].map(
    (fill, index) => `<circle cx="${padding + 4 + index * 20}" cy="17" r="6" fill="${fill}"/>`,
  );
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="tracecraft watch in a terminal">`,
    `<style>text{font:${size}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#d6dae1}.p{fill:#5fd38d}.c{fill:#fff;font-weight:600}.r{fill:#ff7b72}.g{fill:#5fd38d}.d{fill:#8b94a3}</style>`,
    `<rect width="${width}" height="${height}" rx="10" fill="#16191f"/>`,
    ...dots,
    ...rows,
    '</svg>',
  ].join('\n')}\n`;
}

/** As a terminal breaks a line that is too long for it. */
function wrap(line) {
  if (line.prompt !== undefined) return [line];
  const pieces = line.text.match(new RegExp(`.{1,${columns}}`, 'gu')) ?? [''];
  return pieces.map((text) => ({ text }));
}

function colour(text) {
  return escaped(text)
    .replace(/\[REDACTED:[a-z0-9-]+\]|aws-access-key:1/g, (match) => span('r', match, true))
    .replace(/^ok\b/, (match) => span('g', match, true))
    .replace(/^claude-code\/[0-9a-f]+/, (match) => span('d', match, true));
}

function span(name, text, isEscaped = false) {
  return `<tspan class="${name}">${isEscaped ? text : escaped(text)}</tspan>`;
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
