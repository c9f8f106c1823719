import { realpath } from 'node:fs/promises';
import type { Sealed, ServiceSpec } from './spec.js';

/** What the system's service manager reports about the service. */
export type ServiceState =
  | {
      readonly isReachable: false;
      readonly reason: string;
      /** Whether this machine lacks such a service manager altogether. */
      readonly isMissing: boolean;
    }
  | {
      readonly isReachable: true;
      /** Where the manager read the definition; null if it knows none or does not say. */
      readonly definition: string | null;
      readonly isRunning: boolean;
      readonly pid: number | null;
      /** Milliseconds since the epoch. */
      readonly sinceMs: number | null;
      /** In the manager's words, e.g. `active (running)` or `failed (exit-code)`. */
      readonly words: string;
    };

/** Done, or the manager's own reason for refusing. */
export type Managed = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** A file-system name that points to the definition, e.g. the link that starts a unit at login. */
export interface Link {
  readonly path: string;
  readonly target: string;
}

/** systemd or launchd, for the current user. */
export interface ServiceManager {
  readonly kind: 'systemd' | 'launchd';
  /** Absolute: the file that defines the service. */
  readonly definition: string;
  readonly link: Link | undefined;
  /** Absolute: where the output goes; `undefined` where a journal takes it. */
  readonly log: string | undefined;
  /** Absolute: user additions next to the definition; never ours. */
  readonly ownAdditions: string | undefined;
  render(spec: ServiceSpec): Promise<string>;
  read(text: string): Sealed | undefined;
  /** Reloads the definition and starts or restarts the service. */
  start(): Promise<Managed>;
  /** Stops the service and waits for it to end. Not running is not a failure. */
  stop(): Promise<Managed>;
  /** After the definition is gone. */
  forget(): Promise<void>;
  state(): Promise<ServiceState>;
  /** The newest lines of the service's output, oldest first; none if unavailable. */
  lastLines(count: number): Promise<readonly string[]>;
  /** The command that shows all of them. */
  readonly logCommand: string;
  /** The command that restarts the service. */
  readonly restartCommand: string;
  /** Whether it survives the user's logout; `undefined` if unknown or not applicable. */
  outlivesLogin(): Promise<boolean | undefined>;
}

/**
 * The definition the service manager uses instead of ours, if any: it has a home of its own, and a shell may have
 * another. Starting or stopping would then affect someone else's service.
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
