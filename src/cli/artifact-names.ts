import { checkArtifactName } from '../protocol/names.js';
import type { Redactor } from '../redact/redact.js';

export interface ScrubbedName {
  /** The name with each secret replaced by `REDACTED-<kind>`. */
  readonly name: string;
  /** Kinds of secret that were found in it; empty for a clean name, which is unchanged. */
  readonly kinds: readonly string[];
}

/** Names are read by everybody who may list the bucket, and stand in events and handoffs. */
export function scrubName(redactor: Redactor, name: string): ScrubbedName {
  const { bytes, counts } = redactor.redact(Buffer.from(name));
  if (counts === undefined) return { name, kinds: [] };
  const scrubbed = bytes.toString('utf8').replace(/\[(REDACTED):([a-z0-9-]+)\]/g, '$1-$2');
  return { name: checkArtifactName(scrubbed), kinds: [...counts.keys()].sort() };
}
