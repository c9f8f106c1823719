import type { BucketKind, Key } from '../bucket/bucket.js';
import { writeEvent } from '../coordination/events.js';
import { addCounts, type Counts } from '../redact/counts.js';
import { indexerOf } from '../search/published/shared-packs.js';
import type { Finding, SecretSearch } from './bucket-secrets.js';
import { isText } from './file-secrets.js';
import { mostBytesInMemory } from './large-object.js';
import { recordUpload, renameArtifact } from './rename-artifact.js';
import { type Rewrite, rewriteObject } from './rewrite-object.js';

export interface SecretRemoval extends SecretSearch {
  /** Who does it, for the log. */
  readonly agent: string;
  /** Also the contents of artifacts, which are somebody's files. */
  readonly withContents: boolean;
}

/** What happened to one finding. */
export interface RemovalOutcome {
  readonly finding: Finding;
  readonly state: 'fixed' | 'gone' | 'left';
  /** Why something is left. */
  readonly reason: string | null;
}

const reasons = {
  contents: 'contents of artifacts are redacted with --artifacts only',
  binary: 'not text: replace or delete this artifact yourself',
  large: 'too large to rewrite: replace or delete this artifact yourself',
  form: 'redaction would make it unreadable: check it yourself',
  name: 'no name without the secret is free: upload it under another one',
} as const;

/**
 * Removes secrets from the objects that hold them, in place: the same keys and lines, so every chain continues. An event
 * records it before the first write. Safe to kill at any point: the next run finds what is left.
 */
export async function removeSecrets(
  context: SecretRemoval,
  findings: readonly Finding[],
  onDone: (finding: Finding) => void = () => undefined,
): Promise<readonly RemovalOutcome[]> {
  const due = findings.filter((finding) => isDue(context, finding));
  if (due.length > 0) await recordRemoval(context, due);
  const outcomes: RemovalOutcome[] = [];
  for (const finding of findings) {
    outcomes.push(await removeOne(context, finding));
    onDone(finding);
  }
  return outcomes;
}

function isDue({ layout, withContents }: SecretRemoval, { key, inName }: Finding): boolean {
  return withContents || isSome(inName) || !key.startsWith(layout.artifacts());
}

async function recordRemoval(
  { bucket, layout, agent }: SecretRemoval,
  due: readonly Finding[],
): Promise<void> {
  const counts = due.reduce<Counts>(
    (sum, { redactions, inName }) => addCounts(sum, addCounts(redactions, inName)),
    {},
  );
  await writeEvent(
    { bucket, layout, agent },
    {
      type: 'secrets.redacted',
      data: { ref: { key: layout.root }, objects: due.length, kinds: Object.keys(counts).sort() },
    },
  );
}

async function removeOne(context: SecretRemoval, finding: Finding): Promise<RemovalOutcome> {
  const { key, redactions, inName } = finding;
  // Nothing in a pack can be replaced, but what it holds is in the parts too: it can go.
  if (indexerOf(context.layout, key) !== undefined) {
    await context.bucket.delete(key);
    return outcome(finding, 'rewritten', 'form');
  }
  if (!key.startsWith(context.layout.artifacts())) {
    const rewrite = await rewriteObject(context, finding);
    return outcome(finding, rewrite, 'form');
  }
  const content = isSome(redactions) ? await cleanContent(context, finding) : undefined;
  if (!isSome(inName)) return content ?? outcome(finding, 'clean', 'form');
  const name = await cleanName(context, finding);
  return content?.state === 'left' ? content : name;
}

async function cleanContent(context: SecretRemoval, finding: Finding): Promise<RemovalOutcome> {
  const { key, size } = finding;
  if (!context.withContents) return outcome(finding, 'left', 'contents');
  if (size > mostBytesInMemory) return outcome(finding, 'left', 'large');
  let isBinary = false;
  const rewrite = await rewriteObject(context, finding, async (before, after) => {
    isBinary = !isText(before);
    if (isBinary) return false;
    await recordUpload(context, key, after);
    return true;
  });
  return outcome(finding, rewrite, isBinary ? 'binary' : 'form');
}

async function cleanName(context: SecretRemoval, finding: Finding): Promise<RemovalOutcome> {
  if (finding.size > mostBytesInMemory) return outcome(finding, 'left', 'large');
  const renamed = await renameArtifact(context, finding.key);
  return outcome(finding, renamed === 'renamed' ? 'rewritten' : renamed, 'name');
}

function outcome(finding: Finding, rewrite: Rewrite, reason: keyof typeof reasons): RemovalOutcome {
  if (rewrite === 'left') return { finding, state: 'left', reason: reasons[reason] };
  return { finding, state: rewrite === 'gone' ? 'gone' : 'fixed', reason: null };
}

function isSome(counts: Counts): boolean {
  return Object.keys(counts).length > 0;
}

/** Where a secret may still be after its object was rewritten, and how to purge it there. */
export function olderVersions(kind: BucketKind, prefix: Key): string {
  if (kind === 'local') return 'Backups and snapshots of the folder still have what was there.';
  if (kind === 'hf') {
    return 'Whether the Hub keeps what was replaced is unknown; copies that others downloaded still have it.';
  }
  return `If the bucket keeps versions, the old ones still have the secrets: "aws s3api list-object-versions --bucket BUCKET --prefix ${prefix}" lists them, "aws s3api delete-object … --version-id ID" purges one, and a lifecycle rule with NoncurrentVersionExpiration purges all.`;
}
