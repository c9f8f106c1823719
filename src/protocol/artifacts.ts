import * as v from 'valibot';
import type { Layout } from './keys.js';
import { isArtifactName, isName, stepId } from './names.js';

/** Where artifacts that belong to no step are kept. */
export const sharedStep = 'shared';

/** An artifact's name within its step, or within `shared`. */
export interface ArtifactId {
  readonly step: string;
  readonly name: string;
}

/** The artifacts of one step are below this. */
export function artifactsIn(layout: Layout, step: string): string {
  return `${layout.artifacts()}${stepId(step)}/`;
}

/** `undefined` for a key among the artifacts that no artifact can have. */
export function parseArtifactKey(layout: Layout, key: string): ArtifactId | undefined {
  if (!key.startsWith(layout.artifacts())) return undefined;
  const rest = key.slice(layout.artifacts().length);
  const slash = rest.indexOf('/');
  const [step, name] = [rest.slice(0, slash), rest.slice(slash + 1)];
  const isOurs = slash > 0 && isName(step) && stepId(step) === step && isArtifactName(name);
  return isOurs ? { step, name } : undefined;
}

/** The name under which an earlier content of an artifact is kept: no upload of its own. */
export function isCopyName(name: string): boolean {
  return /~[0-9a-f]{12}$/.test(name);
}

const timestamp = v.pipe(v.string(), v.maxLength(64), v.isoTimestamp());

/**
 * The fields of `artifact.uploaded` that describe the artifact's content. Written after the
 * artifact itself.
 */
export const uploadEventSchema = v.object({
  type: v.literal('artifact.uploaded'),
  agent: v.pipe(v.string(), v.maxLength(256)),
  at: timestamp,
  data: v.object({
    ref: v.object({ key: v.pipe(v.string(), v.maxLength(2048)) }),
    /** Bytes. */
    size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
    /** Lower-case hex. */
    sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
    etag: v.optional(v.pipe(v.string(), v.maxLength(1_024))),
  }),
});
export type UploadEvent = v.InferOutput<typeof uploadEventSchema>;

/** Enough of any event to tell whether it concerns an artifact. */
export const eventTypeSchema = v.object({ type: v.string() });
