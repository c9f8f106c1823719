import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from './stand.mjs';

const vocabulary = 20_000;
/** Sources of this repository that a session looks at again and again, and how often it looks elsewhere. */
const focus = 10;
const elsewhere = 0.12;
const hours = 3_600_000;
const start = Date.UTC(2026, 0, 5);

/**
 * A project in a local bucket with about `bytes` of transcripts: sessions of Claude Code and Codex whose prompts and answers are
 * made-up words, whose calls name identifiers and paths, and whose results are sources of this repository and some CJK text.
 * Rows are as large as those of real transcripts of either harness, and as much of each is text: what is around it, and the
 * second copy of a result, are there too. How often words come follows Zipf's law, and how many different ones there are in
 * so much text is what real transcripts have (docs/benchmarks.md).
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
  // The nth word comes 1/n as often as the first.
  const word = () => words[Math.floor(vocabulary ** random()) - 1];
  const sentence = (count) => Array.from({ length: count }, word).join(' ');
  const identifier = () => `${word()}${pick(['_', '-', '.', '/'])}${word()}`;
  let near = sources;
  const excerpt = (least, most) => {
    const source = pick(random() < elsewhere ? sources : near);
    const at = Math.floor(random() * Math.max(1, source.length - most));
    return source.slice(at, at + least + Math.floor(random() * (most - least)));
  };
  const result = () => {
    if (random() < 0.05)
      return `検索の結果 ${pick(['見つかりました', '没有找到', '全文検索'])} ${sentence(20)}`;
    return excerpt(300, 5_200);
  };
  const rows = [claudeRow, codexRow];
  const said = { sentence, identifier, excerpt, result, random };
  const metas = [];
  let written = 0;
  let sessions = 0;
  let lines = 0;
  for (; written < bytes; sessions += 1) {
    const isCodex = sessions % 4 === 3;
    const harness = isCodex ? 'codex' : 'claude-code';
    const id = uuid(random);
    const home = join(folder, 'sessions', harness, id);
    await mkdir(home, { recursive: true });
    const size = perSession * (0.2 + 1.6 * random());
    near = Array.from({ length: focus }, () => pick(sources));
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
      const row = `${JSON.stringify(rows[isCodex ? 1 : 0]({ id, line, at: new Date(atMs).toISOString() }, said))}\n`;
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

const claudeKinds =
  'prompt snapshot thinking use result text use result attachment thinking use result use result text system'.split(
    ' ',
  );

function claudeRow({ id, line, at }, said) {
  const kind = claudeKinds[line % claudeKinds.length];
  if (kind === 'snapshot') return claudeSnapshot(line, at, said);
  return {
    parentUuid: uuid(said.random),
    isSidechain: false,
    userType: 'external',
    cwd: '/home/me/projects/shop',
    sessionId: id,
    version: '2.1.79',
    gitBranch: 'feature/checkout',
    slug: 'bright-sailing-otter',
    ...claudeContent(kind, line, said),
    uuid: uuid(said.random),
    timestamp: at,
  };
}

function claudeContent(kind, line, { sentence, identifier, excerpt, result, random }) {
  const useId = `toolu_${hex(random, 24)}`;
  switch (kind) {
    case 'prompt':
      return { type: 'user', message: { role: 'user', content: sentence(6 + 92 * random()) } };
    case 'result': {
      const text = result();
      const content = [{ tool_use_id: useId, type: 'tool_result', content: text, is_error: false }];
      const toolUseResult = { stdout: text, stderr: '', interrupted: false, isImage: false };
      return { type: 'user', message: { role: 'user', content }, toolUseResult };
    }
    case 'use': {
      const command = `npm test -- ${identifier()} --reporter=dot 2>&1 | tail -40`;
      const edit = { old_string: excerpt(80, 600), new_string: excerpt(80, 600) };
      const input =
        random() < 0.3
          ? { file_path: `/home/me/projects/shop/src/${identifier()}.ts`, ...edit }
          : { command, description: sentence(6) };
      const name = 'command' in input ? 'Bash' : 'Edit';
      return claudeAnswer([{ type: 'tool_use', id: useId, name, input }], random);
    }
    case 'thinking': {
      const signature = encoded(random, 620);
      return claudeAnswer(
        [{ type: 'thinking', thinking: sentence(70 * random() + 3), signature }],
        random,
      );
    }
    case 'text':
      return claudeAnswer(
        [{ type: 'text', text: `${sentence(130 * random() + 6)} ${identifier()}` }],
        random,
      );
    case 'attachment':
      return {
        type: 'attachment',
        attachment: { type: 'todo_reminder', content: [], itemCount: line },
      };
    default:
      return { type: 'system', subtype: 'turn_duration', durationMs: line * 977, isMeta: false };
  }
}

function claudeAnswer(content, random) {
  const tokens = () => Math.floor(random() * 90_000);
  const usage = {
    input_tokens: tokens(),
    cache_creation_input_tokens: tokens(),
    cache_read_input_tokens: tokens(),
    cache_creation: { ephemeral_5m_input_tokens: tokens(), ephemeral_1h_input_tokens: 0 },
    output_tokens: tokens(),
    service_tier: 'standard',
  };
  const [model, id] = ['claude-opus-4-6', `msg_${hex(random, 24)}`];
  const message = {
    model,
    id,
    type: 'message',
    role: 'assistant',
    content,
    stop_reason: null,
    stop_sequence: null,
    usage,
  };
  return { type: 'assistant', message, requestId: `req_${hex(random, 24)}` };
}

function claudeSnapshot(line, timestamp, { random }) {
  const [messageId, backupFileName] = [uuid(random), `${hex(random, 16)}@v${line}`];
  const trackedFileBackups = {
    'src/checkout.ts': { backupFileName, version: line, backupTime: timestamp },
  };
  const snapshot = { messageId, trackedFileBackups, timestamp };
  return { type: 'file-history-snapshot', messageId, snapshot, isSnapshotUpdate: false };
}

const codexKinds =
  'context prompt reasoning call output tokens message call output tokens done message'.split(' ');

function codexRow({ line, at: timestamp }, said) {
  return { timestamp, ...codexContent(codexKinds[line % codexKinds.length], line, said) };
}

function codexContent(kind, line, { sentence, identifier, result, random }) {
  const call_id = `call_${hex(random, 24)}`;
  const item = (payload) => ({ type: 'response_item', payload });
  const event = (payload) => ({ type: 'event_msg', payload });
  switch (kind) {
    case 'context': {
      const policy = {
        type: 'workspace-write',
        network_access: false,
        writable_roots: ['/home/me/projects/shop'],
      };
      const user_instructions = sentence(90);
      const payload = {
        cwd: '/home/me/projects/shop',
        approval_policy: 'on-request',
        sandbox_policy: policy,
        user_instructions,
      };
      return { type: 'turn_context', payload };
    }
    case 'prompt':
      return event({ type: 'user_message', message: sentence(6 + 92 * random()), images: [] });
    case 'reasoning':
      return item({
        type: 'reasoning',
        summary: [],
        content: null,
        encrypted_content: encoded(random, 1_200),
      });
    case 'call': {
      const args = JSON.stringify({
        command: ['bash', '-lc', `rg -n ${identifier()} src`],
        workdir: '/home/me/projects/shop',
      });
      return item({ type: 'function_call', name: 'shell', arguments: args, call_id });
    }
    case 'output':
      return item({ type: 'function_call_output', call_id, output: result() });
    case 'tokens': {
      const usage = {
        input_tokens: line * 1_001,
        cached_input_tokens: line * 900,
        output_tokens: line * 40,
        reasoning_output_tokens: line * 9,
        total_tokens: line * 1_041,
      };
      return event({
        type: 'token_count',
        info: { total_token_usage: usage, last_token_usage: usage, model_context_window: 272_000 },
        rate_limits: null,
      });
    }
    case 'done':
      return event({
        type: 'item_completed',
        thread_id: uuid(random),
        turn_id: uuid(random),
        item: { id: uuid(random), type: 'Reasoning', encrypted: encoded(random, 900) },
      });
    default:
      return item({
        type: 'message',
        role: 'assistant',
        content: [{ type: 'output_text', text: sentence(130 * random() + 6) }],
      });
  }
}

function uuid(random) {
  return `${hex(random, 8)}-${hex(random, 4)}-4${hex(random, 3)}-8${hex(random, 3)}-${hex(random, 12)}`;
}

const sixBits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

function encoded(random, length) {
  return Array.from({ length }, () => sixBits[Math.floor(random() * 64)]).join('');
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
