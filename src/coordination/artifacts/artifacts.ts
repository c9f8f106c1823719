import type { Bucket } from '../../bucket/bucket.js';
import { NotFoundError, UsageError } from '../../errors.js';
import {
  type ArtifactId,
  artifactsIn,
  isCopyName,
  parseArtifactKey,
  sharedStep,
} from '../../protocol/artifacts.js';
import type { DocumentError } from '../../protocol/documents.js';
import type { Layout } from '../../protocol/keys.js';
import { checkArtifactName, isName, stepId } from '../../protocol/names.js';
import { isUploadOf, type ListedObject, readUploads, type Upload } from './recorded-uploads.js';

export interface ArtifactStore {
  readonly bucket: Bucket;
  readonly layout: Layout;
}

/** An artifact as stored in the bucket. */
export interface StoredArtifact extends ArtifactId, ListedObject {
  /** The content that was handed over with a step; anything else must not pass for it. */
  readonly pinned?: { readonly sha256: string; readonly size: number };
}

export interface Artifact extends StoredArtifact {
  /** `undefined`: no event describes this content, so nothing vouches for it. */
  readonly upload: Upload | undefined;
}

export interface FoundArtifacts {
  /** In key order. */
  readonly artifacts: readonly StoredArtifact[];
  /** Keys no artifact can have; they are left alone. */
  readonly strays: readonly string[];
}

export interface ListedArtifacts {
  readonly artifacts: readonly Artifact[];
  readonly strays: readonly string[];
  /** Events that could not be read. */
  readonly skipped: readonly DocumentError[];
}

export interface Wanted {
  /** Default: all steps, and what is shared. */
  readonly step?: string;
  /** Only names in this folder of the step. */
  readonly folder?: string;
  /** Also the kept copies of replaced content. */
  readonly withCopies?: boolean;
}

export async function findArtifacts(
  { bucket, layout }: ArtifactStore,
  { step, folder, withCopies = false }: Wanted,
): Promise<FoundArtifacts> {
  const prefix = step === undefined ? layout.artifacts() : artifactsIn(layout, step);
  const below = folder === undefined ? '' : `${checkArtifactName(folder)}/`;
  const artifacts: StoredArtifact[] = [];
  const strays: string[] = [];
  for await (const entry of bucket.list(`${prefix}${below}`)) {
    if (entry.kind !== 'object') continue;
    const { key, size, modifiedAt, md5 } = entry;
    const id = parseArtifactKey(layout, key);
    if (id === undefined) strays.push(key);
    else if (withCopies || !isCopyName(id.name)) {
      artifacts.push({ ...id, key, size, modifiedAt, ...(md5 === undefined ? {} : { md5 }) });
    }
  }
  return { artifacts, strays };
}

/** Stored artifacts, with what was recorded about each. */
export async function listArtifacts(
  place: ArtifactStore,
  wanted: Wanted,
): Promise<ListedArtifacts> {
  const { artifacts, strays } = await findArtifacts(place, wanted);
  const { uploads, skipped } = await readUploads(place, artifacts);
  return {
    artifacts: artifacts.map((artifact) => ({
      ...artifact,
      upload: uploads.get(artifact.key)?.findLast((upload) => isUploadOf(upload, artifact)),
    })),
    strays,
    skipped,
  };
}

/** The one artifact with that step and name, if any. */
export async function findArtifact(
  { bucket, layout }: ArtifactStore,
  { step, name }: ArtifactId,
): Promise<StoredArtifact | undefined> {
  const key = layout.artifact(step, name);
  for await (const entry of bucket.list(key)) {
    // In key order, a key precedes all keys that start with it.
    if (entry.kind !== 'object' || entry.key !== key) return undefined;
    return { step, name, key, size: entry.size, modifiedAt: entry.modifiedAt };
  }
  return undefined;
}

/**
 * The artifact someone names: in the step, if given; otherwise a shared one, or `STEP/NAME` as handoffs and listings
 * show it. `NotFoundError` if there is none, `UsageError` if the name is ambiguous.
 */
export async function resolveArtifact(
  place: ArtifactStore,
  name: string,
  step: string | undefined,
): Promise<StoredArtifact> {
  const candidates = idsOf(checkArtifactName(name), step);
  const found = (await Promise.all(candidates.map((id) => findArtifact(place, id)))).filter(
    (artifact) => artifact !== undefined,
  );
  const [first, second] = found;
  if (second !== undefined) {
    throw new UsageError(
      `both a shared artifact and one of step ${second.step} are called ${name}`,
      {
        hint: `Use --step ${sharedStep} or --step ${second.step}.`,
      },
    );
  }
  if (first !== undefined) return first;
  const where = step === undefined ? 'among the shared artifacts' : `in step ${step}`;
  throw new NotFoundError(`no artifact ${name} ${where}`, {
    hint: 'See "tracecraft artifact list". A folder of artifacts needs --recursive.',
  });
}

/** All artifacts in the folder or step, named the same way; `NotFoundError` if there are none. */
export async function resolveFolder(
  place: ArtifactStore,
  name: string | undefined,
  step: string | undefined,
): Promise<FoundArtifacts> {
  if (name === undefined) return findArtifacts(place, { step: step ?? sharedStep });
  const inFolders = idsOf(checkArtifactName(name), step).map(({ step, name }) => ({
    step,
    folder: name,
  }));
  const wholeStep = step === undefined && isName(name) ? [{ step: stepId(name) }] : [];
  const candidates = [...inFolders, ...wholeStep];
  const found = await Promise.all(
    candidates.map(async (wanted) => ({ ...wanted, ...(await findArtifacts(place, wanted)) })),
  );
  const [first, second] = found.filter(({ artifacts }) => artifacts.length > 0);
  if (second !== undefined) {
    throw new UsageError(`both a shared folder and one of step ${second.step} are called ${name}`, {
      hint: `Use --step ${sharedStep} or --step ${second.step}.`,
    });
  }
  return first ?? { artifacts: [await resolveArtifact(place, name, step)], strays: [] };
}

function idsOf(name: string, step: string | undefined): ArtifactId[] {
  if (step !== undefined) return [{ step, name }];
  const shared = { step: sharedStep, name };
  const slash = name.indexOf('/');
  const [first, rest] = [name.slice(0, Math.max(0, slash)), name.slice(slash + 1)];
  const isStep = isName(first) && stepId(first) !== sharedStep;
  return isStep ? [shared, { step: stepId(first), name: rest }] : [shared];
}
