// Sessions as a mirror has written them: their parts, their meta.json, and their lines in the index.
const slot = 900_000;

export function idOf(n) {
  return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
}

/** A row of Claude Code; every fiftieth is a prompt. */
export function rowOf(sessionId, n, atMs) {
  const timestamp = new Date(atMs).toISOString();
  const common = { sessionId, cwd: '/work', timestamp };
  if (n % 50 === 0) {
    const message = { role: 'user', content: `question ${n} about the checkout` };
    return `${JSON.stringify({ type: 'user', ...common, message })}\n`;
  }
  const content = [{ type: 'text', text: `answer ${n}: the test of the cart passes again` }];
  const message = { role: 'assistant', id: `msg_${n}`, content };
  return `${JSON.stringify({ type: 'assistant', ...common, message })}\n`;
}

/** `parts`: their names and line ranges, each of `bytes`. */
export function metaOf(id, { parts, bytes, atMs, host = 'laptop' }) {
  const at = new Date(atMs).toISOString();
  const lines = parts.at(-1).range[1];
  const time = new Date(Math.floor(atMs / slot) * slot).toISOString().slice(0, 16);
  return {
    schema_version: 2,
    harness: 'claude-code',
    session_id: id,
    agent_id: 'bench',
    host,
    cwd: '/work',
    title: `Fix the checkout of ${id.slice(-6)} and write a test for it`,
    started_at: at,
    last_row_at: at,
    last_uploaded_at: at,
    prompts: 1,
    turns: 1,
    turn_starts: [0],
    generation: 0,
    part_count: parts.length,
    total_lines: lines,
    total_source_bytes: bytes * parts.length,
    total_uploaded_bytes: bytes * parts.length,
    parts: parts.map(({ name, range }, seq) => ({
      seq,
      name,
      cursor_range: range,
      source_bytes: bytes,
      uploaded_bytes: bytes,
      lines: range[1] - range[0],
      redactions: {},
      uploaded_at: at,
    })),
    usage: {
      v: 1,
      slots: { [`${time}Z claude-opus-4-6`]: '1 420 18000 0 2100 96 0 0 1f3kq9z' },
      through: { '': lines },
    },
  };
}

/** The index that one machine keeps of these, by key. */
export function indexOf(metas, { layout, encodeLines, indexedFields }) {
  const months = new Map();
  for (const meta of metas) {
    const key = layout.index('00000000000000aa', meta.started_at.slice(0, 7));
    const lines = months.get(key) ?? [];
    months.set(key, lines);
    lines.push(indexedFields(meta));
  }
  return new Map([...months].map(([key, lines]) => [key, encodeLines(lines)]));
}
