import { join } from 'node:path';
import { NotAllowedError, TracecraftError } from '../../errors.js';
import type { Io } from '../../io.js';
import { withoutLinks } from '../../links.js';
import { checkName, encodeId, stepId } from '../../protocol/names.js';

/**
 * Which claims were made from here: a holder is who has the nonce, not who has the name. One empty file per nonce, so that any
 * number of processes may write at once.
 */
export interface ClaimTokens {
  of(step: string): Promise<ReadonlySet<string>>;
  /** Before the claim is written: who is stopped right after it still is its holder. */
  add(step: string, nonce: string): Promise<void>;
  remove(step: string, nonce: string): Promise<void>;
  /** After a claim was won: none from before counts any longer. */
  keepOnly(step: string, nonce: string): Promise<void>;
}

export interface HolderIdentity {
  readonly agent: string;
  /** The session, or the terminal where there is none; `undefined` where neither is known. */
  readonly place: string | undefined;
}

/** `folder` is this machine's for the destination. */
export function openClaimTokens(
  disk: Io,
  folder: string,
  { agent, place }: HolderIdentity,
): ClaimTokens {
  const io = withoutLinks(disk, folder);
  const mine = join(checkName('agent', agent), place === undefined ? '_' : encodeId(place));
  const folderOf = (step: string): string => join(folder, 'claims', stepId(step), mine);
  const of = async (step: string): Promise<ReadonlySet<string>> => {
    const entries = (await io.readdir(folderOf(step))) ?? [];
    return new Set(entries.map(({ name }) => name).filter((name) => /^[0-9a-f]{32}$/.test(name)));
  };
  const remove = (step: string, nonce: string): Promise<void> =>
    io.remove(join(folderOf(step), nonce)).catch(() => undefined);
  return {
    of,
    remove,
    add: async (step, nonce) => {
      const path = join(folderOf(step), nonce);
      try {
        await io.replaceFile(path, '');
      } catch (error) {
        if (error instanceof TracecraftError) throw error;
        throw new NotAllowedError(`cannot remember a claim in ${folderOf(step)}`, {
          hint: 'Without that it could not be completed. Make the folder writable, or set TRACECRAFT_HOME to one that is.',
          cause: error,
        });
      }
    },
    keepOnly: async (step, nonce) => {
      for (const other of await of(step)) if (other !== nonce) await remove(step, other);
    },
  };
}
