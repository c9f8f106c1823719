import type { Bucket } from '../../src/bucket/bucket.js';
import { encodeDocument } from '../../src/protocol/documents.js';
import type { Layout, Stamp } from '../../src/protocol/keys.js';
import { partName } from '../../src/protocol/parts.js';

const alphabet = 'aB3dE5gH7jK9mN2pQ4rS6tU8vW1xY0zC';
/** No two have a run of 16 characters in common. */
export function plantedToken(number: number): string {
  const body = Array.from(
    { length: 36 },
    (_, at) => alphabet[(number * 7 + at * (2 * number + 3)) % 32],
  );
  return `ghp_${body.join('')}`;
}

/** How many objects `plantSecrets` plants. */
export const plantedObjects = 15;

/**
 * Objects of every kind, or some of them by number, each with `perObject` secrets of its own, and
 * which those are.
 */
export async function plantSecrets(
  bucket: Bucket,
  layout: Layout,
  perObject: number,
  isWanted: (object: number) => boolean = () => true,
): Promise<readonly string[]> {
  const secrets: string[] = [];
  const token = (): string => {
    const secret = plantedToken(secrets.length);
    secrets.push(secret);
    return secret;
  };
  const words = (): string =>
    Array.from({ length: perObject }, () => `it is ${token()} here`).join('\\n');
  const stamp: Stamp = { timeNs: 1_700_000_000_000_000_000n, agent: 'a', id: '0123abcd' };
  const row = (): string => `{"type":"user","text":"${words()}"}\n`;
  const text = (body: string): Buffer => Buffer.from(body);
  const at = '2026-01-02T03:04:05.678Z';
  const mail = (): Buffer => encodeDocument({ id: stamp.id, from: 'a', message: words() });
  const documents: readonly (() => readonly [string, Buffer])[] = [
    () => [
      `${layout.session('h', 's')}${partName(0, 0, 0)}`,
      text(`${row()}{"clean":1}\n${row()}`),
    ],
    () => [`${layout.session('h', 's')}${partName(1, 0, 3)}`, text(row())],
    () => [`${layout.stream('h', 's', 'subagents/agent-1')}${partName(0, 0, 0)}`, text(row())],
    () => [layout.compacted('h', 's', 'raw'), text(row() + row())],
    () => [layout.compacted('h', 's', 'trace'), text(row())],
    () => [
      layout.meta('h', 's'),
      encodeDocument({ schema_version: 2, title: words(), last_prompt: words(), parts: [] }),
    ],
    () => [layout.message('b', stamp), mail()],
    () => [layout.broadcast(stamp), mail()],
    () => [layout.memory('k'), encodeDocument({ value: { deep: [words()] }, version: 2 })],
    () => [
      `${layout.memoryHistory('k')}1_a_0.json`,
      encodeDocument({ value: words(), version: 1 }),
    ],
    () => [
      layout.event(stamp),
      encodeDocument({ schema: 1, type: 'memory.set', agent: 'a', at, data: { value: words() } }),
    ],
    () => [layout.handoff('one'), encodeDocument({ schema: 2, state: 'complete', note: words() })],
    () => [layout.agent('a'), encodeDocument({ id: 'a', status: 'idle', summary: words() })],
    () => [layout.artifact('one', 'notes.md'), text(`# notes\n\n${words()}\nthe end\n`)],
    () => [layout.artifact('shared', `dump-${token()}.txt`), text('nothing in it\n')],
  ];
  for (const [number, document] of documents.entries()) {
    if (isWanted(number)) await bucket.put(...document());
  }
  return secrets;
}
