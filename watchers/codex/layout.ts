import { copySuffix } from '../files/conflict-copies.js';
import { packedSuffix } from '../files/packable-file.js';

/**
 * What a rollout's name says: `rollout-<local time>-<thread>.jsonl`, after a revert `rollout-<local
 * time>-<thread>_<segment>.jsonl` next to it, each with `.zst` appended once Codex has packed it
 * (https://github.com/openai/codex, codex-rs/rollout).
 */
export interface RolloutName {
  /** Without `.zst`. */
  readonly plain: string;
  readonly isPacked: boolean;
  readonly threadId: string;
  readonly segmentId: string | undefined;
}

export const rolloutFolders = ['sessions', 'archived_sessions'] as const;
/** `sessions/<year>/<month>/<day>`, with some room to spare. */
export const deepestFolder = 8;

const hex = '[0-9a-fA-F]';
const uuid = `${hex}{8}-${hex}{4}-${hex}{4}-${hex}{4}-${hex}{12}`;
/** The conflict copy of a sync tool is another source of its thread. */
const rolloutPattern = new RegExp(
  `^(rollout-.*?(${uuid})(?:_(${uuid}))?(?:${copySuffix})?\\.jsonl)(\\${packedSuffix})?$`,
);
const wholeUuid = new RegExp(`^${uuid}$`);
const longestThreadId = 200;

/** `undefined` for anything else: `.zst.tmp`, other harnesses' files, notes. */
export function rolloutNameOf(file: string): RolloutName | undefined {
  const [, plain, threadId, segmentId, suffix] = rolloutPattern.exec(file) ?? [];
  if (plain === undefined || threadId === undefined) return undefined;
  return { plain, isPacked: suffix !== undefined, threadId, segmentId };
}

/** '' for the rollout a thread began with; a revert continues in a segment of its own. */
export function streamNameOf({ segmentId }: RolloutName): string {
  return segmentId === undefined ? '' : `segments/${segmentId}`;
}

export function isFolderOfInterest(name: string): boolean {
  return !name.startsWith('.');
}

/** The thread a lock file is named after. */
export function lockedThread(file: string): string | undefined {
  const id = /^(.+)\.lock$/s.exec(file)?.[1] ?? '';
  return wholeUuid.test(id) ? id : undefined;
}

/** Threads are named by uuids, but what a row says is accepted as it is, within reason. */
export function isThreadId(text: string | undefined): text is string {
  return (
    text !== undefined &&
    text !== '' &&
    text.length <= longestThreadId &&
    !/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(text)
  );
}
