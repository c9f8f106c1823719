import { TracecraftError } from '../../errors.js';
import type { ArtifactPin } from '../../protocol/coordination.js';
import { isArtifactName, isName, stepId } from '../../protocol/names.js';
import { readClaim } from '../claims/document.js';
import { handoffIn } from '../claims/follow-ups.js';
import type { ArtifactStore, StoredArtifact } from './artifacts.js';
import { copyKey, headOf } from './kept-copies.js';

/** The artifacts a step was handed over with. */
export async function pinsOf(place: ArtifactStore, step: string): Promise<readonly ArtifactPin[]> {
  const claim = await readClaim(place, step);
  const handoff = claim === undefined ? undefined : handoffIn(claim.document);
  return (handoff?.artifacts ?? []).filter((pin) => idOf(pin) !== undefined);
}

/** The artifact the step was handed over with under this name, if any. */
export async function pinnedArtifact(
  place: ArtifactStore,
  { step, name }: Pick<StoredArtifact, 'step' | 'name'>,
): Promise<StoredArtifact | undefined> {
  const pin = (await pinsOf(place, step)).find((one) => one.name === `${step}/${name}`);
  return pin === undefined ? undefined : resolvePin(place, pin);
}

/** The plain key while it still has the content that was handed over, otherwise the kept copy. */
export async function resolvePin(
  place: ArtifactStore,
  pin: ArtifactPin,
): Promise<StoredArtifact | undefined> {
  const id = idOf(pin);
  if (id === undefined) return undefined;
  const { bucket, layout } = place;
  const plain = layout.artifact(id.step, id.name);
  const { etag, sha256, size } = pin;
  // The Python tool records only names.
  if (etag === null || sha256 === null || size === null) {
    const head = await headOf(bucket, plain);
    return head === undefined ? undefined : { ...id, key: plain, ...head };
  }
  const head = await headOf(bucket, plain);
  const pinned = { sha256, size };
  if (head?.etag === etag) return { ...id, key: plain, ...head, pinned };
  const copy = copyKey(plain, etag);
  const kept = await headOf(bucket, copy);
  if (kept !== undefined) return { ...id, key: copy, ...kept, pinned };
  throw new TracecraftError('damaged', `${pin.name} is no longer as it was handed over`, {
    hint: 'Another tool replaced it. --latest gets the current content.',
  });
}

function idOf({ name }: ArtifactPin): Pick<StoredArtifact, 'step' | 'name'> | undefined {
  const slash = name.indexOf('/');
  const [step, rest] = [name.slice(0, Math.max(0, slash)), name.slice(slash + 1)];
  const isId = isName(step) && stepId(step) === step && isArtifactName(rest);
  return isId ? { step, name: rest } : undefined;
}
