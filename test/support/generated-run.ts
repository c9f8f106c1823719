import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { partName } from '../../src/protocol/parts.js';

const startMs = Date.parse('2026-11-20T08:00:00.000Z');
const agents = ['anna', 'ben', 'carla', 'dora', 'emil', 'fred', 'gina', 'hugo'] as const;
const kinds = [
  'step.claimed',
  'memory.set',
  'message.sent',
  'artifact.uploaded',
  'message.broadcast',
  'step.completed',
  'step.claimed',
  'step.blocked',
] as const;

/** A folder such as a local bucket is, filled without the tool: `root` is the project's folder in it. */
export async function writeObject(root: string, key: string, body: string | Buffer): Promise<void> {
  const path = join(root, key);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, body);
}

/** So many events of eight agents, three seconds apart, with a night in between; always the same. */
export async function writeEvents(root: string, project: string, count: number): Promise<void> {
  await mkdir(join(root, 'events'), { recursive: true });
  for (let start = 0; start < count; start += 200) {
    const some = Array.from({ length: Math.min(200, count - start) }, (_, index) => start + index);
    await Promise.all(some.map((index) => writeEvent(root, project, index, count)));
  }
}

async function writeEvent(root: string, project: string, index: number, count: number) {
  const agent = agents[(index * 5 + (index >> 3)) % agents.length] ?? 'anna';
  const to = agents[(index * 3 + 1) % agents.length] ?? 'ben';
  const type = kinds[index % kinds.length] ?? 'memory.set';
  const step = type.startsWith('step.')
    ? `step-${(index >> 3) * 2 + (index % 8 > 5 ? 1 : 0)}`
    : undefined;
  const ms = startMs + index * 3_000 + (index > count / 2 ? 9 * 3_600_000 : 0);
  const id = index.toString(16).padStart(8, '0');
  const ref = { key: `${project}/generated/${index}`, id };
  const data = {
    ref,
    to,
    message: `message number ${index}`,
    value: index,
    note: `note ${index}`,
    size: index,
  };
  const event = {
    schema: 1,
    id,
    type,
    agent,
    at: new Date(ms).toISOString(),
    ...(step === undefined ? {} : { step }),
    data,
  };
  const name = `${BigInt(ms) * 1_000_000n}_${agent}_${id}.json`;
  await writeFile(join(root, 'events', name), JSON.stringify(event));
}

export interface GeneratedSession {
  readonly id: string;
  readonly agent: string;
  readonly bytes: number;
}

const partBytes = 4 * 1024 * 1024;

/** A Claude Code session of about so many bytes, in parts as the mirror writes them. Returns its lines. */
export async function writeSession(
  root: string,
  { id, agent, bytes }: GeneratedSession,
): Promise<number> {
  const folder = `sessions/claude-code/${id}`;
  let [sequence, lines, written] = [0, 0, 0];
  while (written < bytes) {
    const part: string[] = [];
    let size = 0;
    while (size < Math.min(partBytes, bytes - written)) {
      const row = rowOf(id, lines + part.length);
      part.push(row);
      size += row.length;
    }
    await writeObject(root, `${folder}/${partName(sequence, 0, lines)}`, part.join(''));
    sequence += 1;
    lines += part.length;
    written += size;
  }
  const meta = {
    schema_version: 2,
    harness: 'claude-code',
    session_id: id,
    agent_id: agent,
    title: `Session of ${agent}`,
    started_at: new Date(startMs).toISOString(),
    part_count: sequence,
    total_lines: lines,
    total_uploaded_bytes: written,
  };
  await writeObject(root, `${folder}/meta.json`, JSON.stringify(meta));
  return lines;
}

const words =
  'the agent reads a file and writes another one while somebody waits for what it says'.split(' ');

function rowOf(sessionId: string, line: number): string {
  const text = Array.from(
    { length: 90 },
    (_, index) =>
      `${words[(line * 7 + index * 3) % words.length]}${(line * 31 + index * 17) % 9973}`,
  ).join(' ');
  const isUser = line % 2 === 0;
  const row = {
    type: isUser ? 'user' : 'assistant',
    sessionId,
    timestamp: new Date(startMs + line * 1_500).toISOString(),
    message: isUser
      ? { role: 'user', content: text }
      : { role: 'assistant', content: [{ type: 'text', text }] },
  };
  return `${JSON.stringify(row)}\n`;
}
