import type { Clock } from '../../clock.js';
import type { RemovalMarker } from '../removal/markers.js';
import { readRemoval } from '../removal/record.js';
import { deleteSession } from '../removal/session-objects.js';
import type { SessionRef } from '../stream.js';
import type { DiscoveredStream } from './session-filter.js';
import type { StreamRegistry } from './stream-registry.js';
import type { StreamUploader } from './stream-uploader.js';
import type { UploadState } from './upload-state.js';

interface Leaving {
  readonly ref: SessionRef;
  readonly states: readonly UploadState[];
  readonly markers: RemovalMarker[];
  rounds: number;
}

export interface RemovalsContext {
  readonly registry: StreamRegistry;
  readonly uploader: StreamUploader;
  readonly clock: Clock;
  /** Whether this is the watch that answers the notes of `session remove`, not a mirror of one session beside it. */
  readonly takesMarkers: boolean;
}

const listEveryMs = 600_000;
const retryMs = 60_000;
/** What was under way when a session was dropped may still arrive, so the bucket is looked at twice. */
const leastRounds = 2;
const mostRoundsAtOnce = 6;

/**
 * Keeps removed sessions from coming back: drops their streams, deletes what was sent since, and forgets their local state.
 * A session that was restored is dropped too, so that it is mirrored anew.
 */
export class Removals {
  readonly #context: RemovalsContext;
  readonly #leaving = new Map<string, Leaving>();
  #listAtMs = 0;
  #settleAtMs = 0;
  #isLooking = false;

  constructor(context: RemovalsContext) {
    this.#context = context;
  }

  /** Before anything is mirrored. */
  async begin(): Promise<void> {
    const { registry, uploader } = this.#context;
    await this.#list();
    await this.#takeMarkers();
    for (const key of registry.removed.listed) await this.#takeRemembered(key);
    try {
      for (const one of [...this.#leaving.values()]) await this.#settleOne(one);
    } catch (error) {
      uploader.tellOnce(error);
    }
  }

  async kept(discovered: readonly DiscoveredStream[]): Promise<readonly DiscoveredStream[]> {
    const kept: DiscoveredStream[] = [];
    for (const one of discovered) if (await this.mayMirror(one.stream.session)) kept.push(one);
    return kept;
  }

  async mayMirror(ref: SessionRef): Promise<boolean> {
    if (this.#leaving.has(keyOf(ref))) return false;
    const { removed } = this.#context.registry;
    await removed.learn(ref);
    return !removed.isRemoved(ref);
  }

  /** Runs beside the loop, with every sweep: a store that does not answer must not hold it up. */
  look(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const done = (): void => {
      this.#isLooking = false;
    };
    this.#round().then(done, (error: unknown) => {
      this.#settleAtMs = this.#context.clock.monotonic() + retryMs;
      this.#context.uploader.tellOnce(error);
      done();
    });
  }

  /** Until nothing is left to delete, for a mirror that ends. */
  async settle(): Promise<void> {
    try {
      for (let round = 0; round < mostRoundsAtOnce; round += 1) {
        await this.#round();
        if (this.#leaving.size === 0) return;
      }
    } catch (error) {
      this.#context.uploader.tellOnce(error);
    }
  }

  async #round(): Promise<void> {
    const { registry, uploader, clock } = this.#context;
    if (clock.monotonic() < Math.max(this.#settleAtMs, uploader.breaker.notBeforeMs)) return;
    await this.#takeMarkers();
    if (clock.monotonic() >= this.#listAtMs) {
      await this.#list();
      for (const { ref } of registry.sessions) {
        if ((await registry.removed.learn(ref)) === 'changed') this.#leave(ref);
      }
    }
    for (const { ref } of registry.removed.isAny ? [...registry.sessions] : []) {
      if (registry.removed.isRemoved(ref)) this.#leave(ref);
    }
    for (const one of [...this.#leaving.values()]) await this.#settleOne(one);
  }

  async #list(): Promise<void> {
    const { registry, clock } = this.#context;
    this.#listAtMs = clock.monotonic() + listEveryMs;
    await registry.removed.list();
  }

  async #takeMarkers(): Promise<void> {
    const { registry, takesMarkers } = this.#context;
    if (!takesMarkers) return;
    for (const marker of await registry.state.removalMarkers()) {
      const known = this.#leaving.get(keyOf(marker.session));
      if (known?.markers.some(({ path }) => path === marker.path)) continue;
      await registry.removed.look(marker.session);
      this.#leave(marker.session).markers.push(marker);
    }
  }

  /** A watch that was killed may have sent something after the removal, and its local state is still there. */
  async #takeRemembered(key: string): Promise<void> {
    const { registry } = this.#context;
    const ref = registry.removed.refOf(key);
    if (ref === undefined || !(await registry.state.remembers(ref))) return;
    await registry.removed.learn(ref);
    if (registry.removed.isRemoved(ref)) this.#leave(ref);
  }

  #leave(ref: SessionRef): Leaving {
    const { registry, uploader } = this.#context;
    const session = registry.sessionOf(ref);
    const states = session === undefined ? [] : uploader.drop(session);
    if (session !== undefined) registry.drop(session);
    const known = this.#leaving.get(keyOf(ref));
    const one: Leaving = {
      ref,
      states: [...(known?.states ?? []), ...states],
      markers: known?.markers ?? [],
      rounds: 0,
    };
    this.#leaving.set(keyOf(ref), one);
    return one;
  }

  async #settleOne(one: Leaving): Promise<void> {
    const { registry } = this.#context;
    const { ref } = one;
    if (one.states.some(({ isFlushing }) => isFlushing)) return;
    const removal = await readRemoval(registry.store, ref);
    if (removal?.document.state === 'removed') {
      const { objects } = await deleteSession(registry.store, ref);
      one.rounds += 1;
      if (objects > 0 || one.rounds < leastRounds) return;
    }
    await registry.state.forget(ref);
    for (const marker of one.markers) await registry.state.removeMarker(marker);
    if (this.#leaving.get(keyOf(ref)) === one) this.#leaving.delete(keyOf(ref));
  }
}

function keyOf({ harness, id }: SessionRef): string {
  return `${harness}\n${id}`;
}
