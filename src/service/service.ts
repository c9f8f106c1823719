import { realpath } from 'node:fs/promises';
import type { Sealed, ServiceSpec } from './spec.js';

/** What the system's service manager says of the service. */
export type ServiceState =
  | {
      readonly isReachable: false;
      readonly reason: string;
      /** Whether this machine has no such service manager at all. */
      readonly isMissing: boolean;
    }
  | {
      readonly isReachable: true;
      /** Where the manager has read the definition from; null when it knows none, or does not say. */
      readonly definition: string | null;
      readonly isRunning: boolean;
      readonly pid: number | null;
      /** Milliseconds since the epoch. */
      readonly sinceMs: number | null;
      /** In the manager's own words, e.g. `active (running)` or `failed (exit-code)`. */
      readonly words: string;
    };

/** Done, or the manager's own reason why not. */
export type Managed = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** A name in the file system that leads to the definition, e.g. what makes a unit start at login. */
export interface Link {
  readonly path: string;
  readonly target: string;
}

/** systemd or launchd, for the user who runs this. */
export interface ServiceManager {
  readonly kind: 'systemd' | 'launchd';
  /** Absolute: the file that defines the service. */
  readonly definition: string;
  readonly link: Link | undefined;
  /** Absolute: where the output goes; `undefined` where a journal takes it. */
  readonly log: string | undefined;
  /** Absolute: what the user may have added beside the definition; never ours. */
  readonly ownAdditions: string | undefined;
  render(spec: ServiceSpec): Promise<string>;
  read(text: string): Sealed | undefined;
  /** Reads the definition anew and starts the service, or starts it again. */
  start(): Promise<Managed>;
  /** Ends the service, and waits for its end. One that does not run is no failure. */
  stop(): Promise<Managed>;
  /** After the definition is gone. */
  forget(): Promise<void>;
  state(): Promise<ServiceState>;
  /** The newest lines of the service's output, the oldest first; none when they cannot be had. */
  lastLines(count: number): Promise<readonly string[]>;
  /** How a person reads all of them. */
  readonly logCommand: string;
  /** How a person ends the service and starts it again. */
  readonly restartCommand: string;
  /** Whether it goes on after its user has logged out; `undefined` where that cannot be told, or does not apply. */
  outlivesLogin(): Promise<boolean | undefined>;
}

/**
 * The definition that the service manager uses instead of ours, if it does: it has a home of its own, and a shell may have
 * another. Starting or ending the service would then touch somebody else's.
 */
export async function otherDefinition(
  manager: ServiceManager,
  state: ServiceState,
): Promise<string | undefined> {
  if (!state.isReachable || state.definition === null) return undefined;
  const [theirs, ours] = await Promise.all([real(state.definition), real(manager.definition)]);
  return theirs === ours ? undefined : state.definition;
}

function real(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}
