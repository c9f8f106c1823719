import type { Bucket, Key } from '../bucket/bucket.js';
import { parseArtifactKey } from '../protocol/artifacts.js';
import type { Layout } from '../protocol/keys.js';
import type { Counts } from '../redact/counts.js';
import type { Redactor } from '../redact/redact.js';
import { withObject } from './large-object.js';
import { secretsInPack } from './pack-secrets.js';
import { redactStream } from './redaction.js';

export interface SecretSearch {
  readonly bucket: Bucket;
  readonly layout: Layout;
  readonly redactor: Redactor;
  /** On this machine's disk, for objects too large for memory. */
  readonly folder: string;
}

/** An object with what looks like a secret. */
export interface Finding {
  readonly key: Key;
  /** Bytes, according to the listing. */
  readonly size: number;
  /** What its content holds, by kind. */
  readonly redactions: Counts;
  /** What its name holds, by kind. */
  readonly inName: Counts;
}

export interface ListedObject {
  readonly key: Key;
  readonly size: number;
}

export async function listProject(
  bucket: Bucket,
  layout: Layout,
): Promise<readonly ListedObject[]> {
  const objects: ListedObject[] = [];
  for await (const entry of bucket.list(layout.root)) {
    if (entry.kind === 'object') objects.push(entry);
  }
  return objects;
}

/** Reads every one of `objects`. `onRead` gets the bytes of each. */
export async function findSecrets(
  search: SecretSearch,
  objects: readonly ListedObject[],
  onRead: (bytes: number) => void = () => undefined,
): Promise<readonly Finding[]> {
  const { bucket, layout, redactor, folder } = search;
  const findings: Finding[] = [];
  for (const { key, size } of objects) {
    const redactions =
      (await secretsInPack(search, { key, size })) ??
      (await withObject(bucket, { key, size, folder }, (chunks) =>
        redactStream(redactor, chunks, undefined),
      ));
    const inName = secretsInName(redactor, layout, key);
    const isClean = [redactions, inName].every((counts) => Object.keys(counts).length === 0);
    if (!isClean) findings.push({ key, size, redactions, inName });
    onRead(size);
  }
  return findings;
}

/** Only an artifact's name is free text; all other keys are made of ids and checked names. */
function secretsInName(redactor: Redactor, layout: Layout, key: Key): Counts {
  const artifact = parseArtifactKey(layout, key);
  if (artifact === undefined) return {};
  return Object.fromEntries(redactor.redact(Buffer.from(artifact.name)).counts ?? []);
}

/** A key as it may be shown: an artifact's name may be the secret itself. */
export function shownKey(redactor: Redactor, layout: Layout, key: Key): string {
  const artifact = parseArtifactKey(layout, key);
  if (artifact === undefined) return key;
  const name = redactor.redact(Buffer.from(artifact.name)).bytes.toString('utf8');
  return `${key.slice(0, key.length - artifact.name.length)}${name}`;
}
