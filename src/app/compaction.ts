import { hostname } from 'node:os';
import type { Bucket } from '../bucket/bucket.js';
import { type Compaction, type CompactTarget, compactSession } from '../compact/compact.js';
import { isTraceAsIs } from '../compact/trace-file.js';
import type { Settings } from '../config/settings.js';
import { bucketLayout, type CompactFormat } from '../protocol/keys.js';
import { knownFromHere } from './known-secrets.js';
import { scratchFolder } from './large-object.js';
import { redactorOf } from './redaction.js';

export interface CompactedSession extends Compaction {
  readonly harness: string;
  readonly session_id: string;
  readonly format: CompactFormat;
}

export type Compactor = (target: CompactTarget, signal?: AbortSignal) => Promise<CompactedSession>;

/** Compacts sessions of one bucket, redacting the secrets this process knows. */
export function openCompactor(settings: Settings, bucket: Bucket): Compactor {
  const redactor = redactorOf(settings, knownFromHere(settings, process.env));
  const context = {
    bucket,
    layout: bucketLayout(settings.project),
    folder: scratchFolder(settings, bucket),
    host: hostname(),
    redactor,
  };
  return async (target, signal) => {
    const format = formatFor(target);
    const aborting = signal === undefined ? {} : { signal };
    const compaction = await compactSession({ ...context, ...aborting }, { ...target, format });
    return { harness: target.harness, session_id: target.id, format, ...compaction };
  };
}

/** A transcript that already is a trace needs no second object. */
export function formatFor({ harness, format }: CompactTarget): CompactFormat {
  return isTraceAsIs(harness) ? 'raw' : format;
}
