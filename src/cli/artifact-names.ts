import { checkArtifactName } from '../protocol/names.js';
import { addCounts, type Counts } from '../redact/counts.js';
import type { Redactor } from '../redact/redact.js';

interface ScrubbedNames {
  /** One for each name, in order, with secrets replaced by `REDACTED-<kind>`. */
  readonly names: readonly string[];
  /** What was found in all of them, by kind. */
  readonly counts: Counts;
}

/** Anyone who can list the bucket reads names, and they appear in events and handoffs. */
export function scrubNames(redactor: Redactor, names: readonly string[]): ScrubbedNames {
  let counts: Counts = {};
  const scrubbed = names.map((name) => {
    const redaction = redactor.redact(Buffer.from(name));
    if (redaction.counts === undefined) return name;
    counts = addCounts(counts, Object.fromEntries(redaction.counts));
    const text = redaction.bytes.toString('utf8');
    return checkArtifactName(text.replace(/\[(REDACTED):([a-z0-9-]+)\]/g, '$1-$2'));
  });
  return { names: scrubbed, counts };
}
