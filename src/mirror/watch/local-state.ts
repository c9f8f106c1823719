import { join } from 'node:path';
import type { Io } from '../../io.js';
import { withoutLinks } from '../../links.js';
import { encodeId } from '../../protocol/names.js';
import { type RemovalMarker, readMarkers, removeMarker } from '../removal/markers.js';
import { type PendingPut, pendingPutFile, pendingPutInMemory } from '../state/pending-put.js';
import { noSessionState, type SessionStateFile, sessionStateFile } from '../state/session-state.js';
import {
  forgetSession,
  noStreamState,
  type StateTrouble,
  type StreamStateFile,
  streamStateFile,
  streamStatePath,
} from '../state/stream-state.js';
import type { SessionRef } from '../stream.js';

interface StreamFiles {
  readonly stateFile: StreamStateFile;
  readonly pendingPut: PendingPut;
}

/** What a mirror remembers on this machine about one destination between two runs; nothing, without a folder. */
export class LocalState {
  readonly #io: Io;
  readonly #folder: string | undefined;
  readonly #onTrouble: StateTrouble;

  constructor(io: Io, folder: string | undefined, onTrouble: StateTrouble) {
    this.#io = folder === undefined ? io : withoutLinks(io, folder);
    this.#folder = folder;
    this.#onTrouble = onTrouble;
  }

  get isKept(): boolean {
    return this.#folder !== undefined;
  }

  stream({ harness, id }: SessionRef, name: string): StreamFiles {
    if (this.#folder === undefined) return inMemory();
    const path = streamStatePath(this.#folder, harness, id, name);
    return {
      stateFile: streamStateFile(this.#io, path, this.#onTrouble),
      pendingPut: pendingPutFile(this.#io, `${path}.outbox`),
    };
  }

  session({ harness, id }: SessionRef): SessionStateFile {
    if (this.#folder === undefined) return noSessionState;
    return sessionStateFile(this.#io, this.#folder, harness, id, this.#onTrouble);
  }

  async remembers({ harness, id }: SessionRef): Promise<boolean> {
    if (this.#folder === undefined) return false;
    return (await this.#io.stat(join(this.#folder, harness, encodeId(id)))) !== undefined;
  }

  async forget({ harness, id }: SessionRef): Promise<void> {
    if (this.#folder !== undefined) await forgetSession(this.#io, this.#folder, harness, id);
  }

  async removalMarkers(): Promise<readonly RemovalMarker[]> {
    return this.#folder === undefined ? [] : readMarkers(this.#io, this.#folder);
  }

  async removeMarker(marker: RemovalMarker): Promise<void> {
    if (this.#folder !== undefined) await removeMarker(this.#io, this.#folder, marker);
  }
}

export function inMemory(): StreamFiles {
  return { stateFile: noStreamState, pendingPut: pendingPutInMemory() };
}
