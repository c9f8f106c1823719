import { once } from 'node:events';
import type { Settings } from '../config/settings.js';
import { addCounts, type Counts } from '../redact/counts.js';
import { secretsOf } from '../redact/env-secrets.js';
import type { Redactor } from '../redact/redact.js';
import { createRedactor } from '../redact/redactor.js';

/** The engine as the config sets it up, optionally with further known secrets. */
export function redactorOf(settings: Settings | undefined, known: readonly string[]): Redactor {
  const { allow = [], disable = [], patterns = [] } = settings?.redact ?? {};
  return createRedactor({
    allow,
    disabledKinds: disable,
    extraPatterns: patterns.map(({ name, pattern }) => ({ kind: name, pattern })),
    knownSecrets: known,
  });
}

/** Secrets this process knows before reading anything: its environment and the keys in the config. */
export function knownFromHere(
  settings: Settings | undefined,
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const { access_key = null, secret_key = null, hf_token = null } = settings?.file.document ?? {};
  const own = [access_key, secret_key, hf_token].filter((key) => key !== null);
  return [...own, ...secretsOf(env)];
}

/**
 * Redacts a stream line by line, in constant memory (one line must fit). A last line without a newline is redacted as
 * it is. Returns what was found, by kind.
 */
export async function redactLines(
  redactor: Redactor,
  input: AsyncIterable<Buffer>,
  output: NodeJS.WritableStream | undefined,
): Promise<Counts> {
  let counts: Counts = {};
  const pass = async (line: Buffer): Promise<void> => {
    const redaction = redactor.redact(line);
    if (redaction.counts !== undefined) {
      counts = addCounts(counts, Object.fromEntries(redaction.counts));
    }
    if (output !== undefined && !output.write(redaction.bytes)) await once(output, 'drain');
  };
  let waiting: Buffer[] = [];
  for await (const chunk of input) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      await pass(Buffer.concat([...waiting, chunk.subarray(start, end + 1)]));
      waiting = [];
      start = end + 1;
    }
    if (start < chunk.length) waiting.push(chunk.subarray(start));
  }
  if (waiting.length > 0) await pass(Buffer.concat(waiting));
  return counts;
}
