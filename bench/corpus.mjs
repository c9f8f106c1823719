import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from './stand.mjs';

/** Words between which a row's own words are chosen; the first ones often, the last ones seldom. */
const vocabulary = 20_000;
const hours = 3_600_000;
const start = Date.UTC(2026, 0, 5);

/**
 * A project in a local bucket with about `bytes` of transcripts: sessions of Claude Code and Codex whose prompts and answers are
 * made-up words, whose calls name identifiers and paths, and whose results are sources of this repository and some CJK text.
 * The same seed gives the same bytes. `part` is the size from which a part is closed. `encodeIndex` makes the index of the
 * sessions that a watch keeps.
 */
export async function writeCorpus(
  folder,
  { bytes, part, perSession = 1_750_000, partName, encodeIndex },
) {
  const random = generator(20);
  const words = Array.from({ length: vocabulary }, () => madeUp(random));
  const sources = await readSources();
  const pick = (list) => list[Math.floor(random() * list.length)];
  const word = () => words[Math.floor(vocabulary * random() ** 4)];
  const sentence = (count) => Array.from({ length: count }, word).join(' ');
  const identifier = () => `${word()}${pick(['_', '-', '.', '/'])}${word()}`;
  const result = () => {
    if (random() < 0.05)
      return `検索の結果 ${pick(['見つかりました', '没有找到', '全文検索'])} ${sentence(20)}`;
    const source = pick(sources);
    const at = Math.floor(random() * Math.max(1, source.length - 4_000));
    return source.slice(at, at + 500 + Math.floor(random() * 5_000));
  };
  const rows = [claudeRow, codexRow];
  const places = { sentence, identifier, result, random };
  const metas = [];
  let written = 0;
  let sessions = 0;
  let lines = 0;
  for (; written < bytes; sessions += 1) {
    const isCodex = sessions % 4 === 3;
    const harness = isCodex ? 'codex' : 'claude-code';
    const id = `${hex(random, 8)}-${hex(random, 4)}-4${hex(random, 3)}-8${hex(random, 3)}-${hex(random, 12)}`;
    const home = join(folder, 'sessions', harness, id);
    await mkdir(home, { recursive: true });
    const size = perSession * (0.2 + 1.6 * random());
    let total = 0;
    let atMs = start + sessions * 6 * hours;
    let sequence = 0;
    let first = 0;
    let line = 0;
    let open = '';
    const close = async () => {
      await writeFile(join(home, partName(sequence, 0, first)), open);
      sequence += 1;
      first = line;
      open = '';
    };
    while (total < size) {
      atMs += 1_000 + Math.floor(random() * 20_000);
      const row = `${JSON.stringify(rows[isCodex ? 1 : 0](line, new Date(atMs).toISOString(), places))}\n`;
      open += row;
      total += Buffer.byteLength(row);
      line += 1;
      if (open.length >= part) await close();
    }
    if (open !== '') await close();
    const at = new Date(atMs).toISOString();
    const meta = {
      schema_version: 2,
      harness,
      session_id: id,
      agent_id: pick(['designer', 'developer', 'reviewer']),
      host: pick(['laptop', 'tower', 'ci']),
      cwd: `/home/me/${pick(['shop', 'site', 'tools'])}`,
      title: sentence(5),
      last_row_at: at,
      last_uploaded_at: at,
      total_lines: line,
      total_uploaded_bytes: total,
    };
    await writeFile(join(home, 'meta.json'), JSON.stringify(meta, null, 2));
    metas.push(meta);
    written += total;
    lines += line;
  }
  if (encodeIndex !== undefined) {
    await mkdir(join(folder, '_index', 'bench'), { recursive: true });
    await writeFile(join(folder, '_index', 'bench', 'live.jsonl'), encodeIndex(metas));
  }
  return { sessions, lines, bytes: written, words };
}

function claudeRow(line, timestamp, { sentence, identifier, result, random }) {
  const row = { uuid: `u${line}`, timestamp, sessionId: 'bench', isSidechain: false };
  const id = `toolu_${Math.floor(line / 3)}`;
  const kind = line % 9;
  if (kind === 0) {
    return {
      ...row,
      type: 'user',
      message: { role: 'user', content: sentence(8 + 40 * random()) },
    };
  }
  if (kind % 3 === 1) {
    const input = { command: `npm test -- ${identifier()}`, description: sentence(6) };
    const content = [{ type: 'tool_use', id, name: 'Bash', input }];
    return { ...row, type: 'assistant', message: { id: `m${line}`, role: 'assistant', content } };
  }
  if (kind % 3 === 2) {
    const content = [{ type: 'tool_result', tool_use_id: id, content: result() }];
    return { ...row, type: 'user', message: { role: 'user', content } };
  }
  const content = [{ type: 'text', text: `${sentence(60 * random() + 5)} ${identifier()}` }];
  return { ...row, type: 'assistant', message: { id: `m${line}`, role: 'assistant', content } };
}

function codexRow(line, timestamp, { sentence, identifier, result, random }) {
  const payload = codexPayload(line, { sentence, identifier, result, random });
  return { timestamp, type: line % 9 === 0 ? 'event_msg' : 'response_item', payload };
}

function codexPayload(line, { sentence, identifier, result, random }) {
  const call_id = `call_${Math.floor(line / 3)}`;
  if (line % 9 === 0) return { type: 'user_message', message: sentence(8 + 40 * random()) };
  if (line % 3 === 1) {
    const args = JSON.stringify({ command: ['bash', '-lc', `rg ${identifier()}`] });
    return { type: 'function_call', name: 'shell', arguments: args, call_id };
  }
  if (line % 3 === 2) return { type: 'function_call_output', call_id, output: result() };
  const content = [{ type: 'output_text', text: sentence(60 * random() + 5) }];
  return { type: 'message', role: 'assistant', content };
}

async function readSources() {
  const folders = ['src', 'commands', 'docs'].map((name) => join(root, name));
  const files = await Promise.all(
    folders.map(async (folder) => {
      const names = await readdir(folder, { recursive: true });
      return names.filter((name) => /\.(?:ts|md)$/.test(name)).map((name) => join(folder, name));
    }),
  );
  return Promise.all(
    files
      .flat()
      .sort()
      .map((file) => readFile(file, 'utf8')),
  );
}

/** A pronounceable word; a few look like identifiers. */
function madeUp(random) {
  const letter = (letters) => letters[Math.floor(random() * letters.length)];
  const syllables = 2 + Math.floor(random() * 3);
  const word = Array.from(
    { length: syllables },
    () =>
      `${letter('bcdfghjklmnprstvz')}${letter('aeiou')}${random() < 0.3 ? letter('nrstl') : ''}`,
  ).join('');
  return random() < 0.2 ? word.replace(/^(..)(.)/, (_, a, b) => a + b.toUpperCase()) : word;
}

function hex(random, length) {
  return Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join('');
}

/** Mulberry32: the same numbers on every machine. */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
