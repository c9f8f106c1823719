import { join } from 'node:path';
import * as v from 'valibot';
import { NotAllowedError, TracecraftError } from '../../errors.js';
import type { Io } from '../../io.js';
import { withoutLinks } from '../../links.js';
import { type ClaimDocument, claimSchema } from '../../protocol/coordination.js';
import { checkName, encodeId, isName, stepId } from '../../protocol/names.js';

/** A claim made from this place, as far as this machine knows. */
export interface HolderFile {
  readonly step: string;
  readonly claim: HeldClaim;
  /** `undefined` until the store has answered. */
  readonly etag: string | undefined;
  /** This machine's clock, before the last write that the store confirmed was sent. */
  readonly sentAtMs: number;
  /** Ended here, or taken over: nothing to renew, but a later command must be able to say why. */
  readonly isOver?: boolean;
}

/** A claim written by this version, which always has a nonce. */
export type HeldClaim = ClaimDocument & { readonly nonce: string };

/**
 * Records which claims were made from one place: a session, or a terminal. One file per claim,
 * named by its epoch and nonce, so any number of processes may write at once.
 */
export interface HolderFiles {
  of(step: string): Promise<readonly HolderFile[]>;
  all(): Promise<readonly HolderFile[]>;
  /**
   * Called before the claim is written, so that if the process dies right after, its place is still
   * the holder.
   */
  keep(file: HolderFile): Promise<void>;
  remove(file: Pick<HolderFile, 'step' | 'claim'>): Promise<void>;
  /** Only older epochs: another process of this place may have won a newer one in the meantime. */
  pruneOlder(step: string, epoch: number): Promise<void>;
}

export interface HolderIdentity {
  readonly agent: string;
  /** The session, or the terminal if there is none; `undefined` if neither is known. */
  readonly place: string | undefined;
}

/** `folder` is this machine's for the destination. */
export function openHolderFiles(
  disk: Io,
  folder: string,
  { agent, place }: HolderIdentity,
): HolderFiles {
  const io = withoutLinks(disk, folder);
  const mine = join(checkName('agent', agent), placeLeaf(place));
  const claims = join(folder, 'claims');
  const folderOf = (step: string): string => join(claims, stepId(step), mine);
  const pathOf = ({ step, claim }: Pick<HolderFile, 'step' | 'claim'>): string =>
    join(folderOf(step), `${claim.epoch}-${claim.nonce}`);
  const of = async (step: string): Promise<readonly HolderFile[]> => {
    const found: HolderFile[] = [];
    for (const { name } of (await io.readdir(folderOf(step))) ?? []) {
      if (!/^\d{1,10}-[0-9a-f]{32}$/.test(name)) continue;
      const file = parseFile(stepId(step), name, await io.readFile(join(folderOf(step), name)));
      if (file !== undefined) found.push(file);
    }
    return found;
  };
  const remove: HolderFiles['remove'] = (file) => io.remove(pathOf(file)).catch(() => undefined);
  return {
    of,
    remove,
    all: async () => {
      const steps = ((await io.readdir(claims)) ?? []).filter(({ name }) => isStep(name));
      return (await Promise.all(steps.map(({ name }) => of(name)))).flat();
    },
    keep: async (file) => {
      const { claim, etag, sentAtMs, isOver } = file;
      try {
        await io.replaceFile(
          pathOf(file),
          `${JSON.stringify({ claim, etag, sentAtMs, isOver })}\n`,
        );
      } catch (error) {
        throw cannotRemember(folderOf(file.step), error);
      }
    },
    pruneOlder: async (step, epoch) => {
      for (const file of await of(step)) if (file.claim.epoch < epoch) await remove(file);
    },
  };
}

/** The agents that have made claims from a place, with those claims. */
export async function holdersAt(
  disk: Io,
  folder: string,
  place: string,
): Promise<readonly { readonly agent: string; readonly files: HolderFiles }[]> {
  const io = withoutLinks(disk, folder);
  const agents = new Set<string>();
  for (const step of (await io.readdir(join(folder, 'claims'))) ?? []) {
    if (!isStep(step.name)) continue;
    for (const { name } of (await io.readdir(join(folder, 'claims', step.name))) ?? []) {
      const here = join(folder, 'claims', step.name, name, placeLeaf(place));
      if (isName(name) && (await io.stat(here)) !== undefined) agents.add(name);
    }
  }
  return [...agents].map((agent) => ({
    agent,
    files: openHolderFiles(disk, folder, { agent, place }),
  }));
}

function placeLeaf(place: string | undefined): string {
  return place === undefined ? '_' : encodeId(place);
}

function isStep(name: string): boolean {
  return isName(name) && stepId(name) === name;
}

const fileSchema = v.object({
  claim: claimSchema,
  etag: v.optional(v.string()),
  sentAtMs: v.number(),
  isOver: v.optional(v.boolean(), false),
});

/** A torn or foreign file counts as missing; `--mine` and `--epoch` recover from that. */
function parseFile(step: string, name: string, bytes: Buffer | undefined): HolderFile | undefined {
  try {
    const { claim, etag, sentAtMs, isOver } = v.parse(fileSchema, JSON.parse(String(bytes)));
    const { nonce } = claim;
    if (nonce === null || name !== `${claim.epoch}-${nonce}`) return undefined;
    return { step, claim: { ...claim, nonce }, etag, sentAtMs, isOver };
  } catch {
    return undefined;
  }
}

function cannotRemember(folder: string, error: unknown): TracecraftError {
  if (error instanceof TracecraftError) return error;
  return new NotAllowedError(`cannot remember a claim in ${folder}`, {
    hint: 'Without that, the claim could not be completed. Make the folder writable, or set TRACECRAFT_HOME to one that is.',
    cause: error,
  });
}
