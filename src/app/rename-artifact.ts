import { createHash } from 'node:crypto';
import type { Bucket, Key } from '../bucket/bucket.js';
import { writeEvent } from '../coordination/events.js';
import { type ArtifactId, parseArtifactKey, sharedStep } from '../protocol/artifacts.js';
import type { Layout } from '../protocol/keys.js';
import { isArtifactName } from '../protocol/names.js';
import type { Redactor } from '../redact/redact.js';

export interface Renaming {
  readonly bucket: Bucket;
  readonly layout: Layout;
  readonly redactor: Redactor;
  readonly agent: string;
}

const mostNumbers = 100;

/**
 * Gives an artifact a name without its secrets: a copy under the new one, then the old one is deleted. If it is stopped in
 * between, the next run finds the copy and goes on. `left`: there is no such name that is free.
 */
export async function renameArtifact(
  context: Renaming,
  key: Key,
): Promise<'renamed' | 'left' | 'gone'> {
  const { bucket, layout, redactor } = context;
  const artifact = parseArtifactKey(layout, key);
  if (artifact === undefined) return 'left';
  const stored = await bucket.get(key);
  if (stored === undefined) return 'gone';
  const redacted = redactor.redact(Buffer.from(artifact.name)).bytes.toString('utf8');
  for (let number = 1; number <= mostNumbers; number += 1) {
    const name = number === 1 ? redacted : `${redacted}-${number}`;
    if (!isArtifactName(name)) return 'left';
    if (!(await copyTo(context, { ...artifact, name }, stored.body))) continue;
    await bucket.delete(key);
    return 'renamed';
  }
  return 'left';
}

/** Whether that name now stands for this content. Who uploaded it there is recorded first, as for any upload. */
async function copyTo(context: Renaming, { step, name }: ArtifactId, body: Buffer) {
  const { bucket, layout } = context;
  const key = layout.artifact(step, name);
  const present = await bucket.get(key);
  if (present !== undefined) return present.body.equals(body);
  await recordUpload(context, key, body);
  if (!bucket.capabilities.putIfAbsent) {
    await bucket.put(key, body);
    return true;
  }
  if ((await bucket.putIfAbsent(key, body)).written) return true;
  return (await bucket.get(key))?.body.equals(body) === true;
}

/**
 * Tells readers what an artifact's content is to be. Before it is written, because nothing would make up for a record that
 * is missing: downloads are compared with it.
 */
export async function recordUpload(
  { bucket, layout, agent }: Omit<Renaming, 'redactor'>,
  key: Key,
  body: Buffer,
): Promise<void> {
  const artifact = parseArtifactKey(layout, key);
  if (artifact === undefined) return;
  const { step, name } = artifact;
  const sha256 = createHash('sha256').update(body).digest('hex');
  await writeEvent(
    { bucket, layout, agent },
    {
      type: 'artifact.uploaded',
      ...(step === sharedStep ? {} : { step }),
      data: { ref: { key, id: sha256 }, name, size: body.length, sha256 },
    },
  );
}
