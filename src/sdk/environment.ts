import { resolve } from 'node:path';
import { systemClock } from '../clock.js';
import { checkConfig } from '../config/schema.js';
import {
  explicitSettings,
  loadSettings,
  type Settings,
  type SettingsContext,
} from '../config/settings.js';
import { UsageError } from '../errors.js';
import { nodeIo } from '../io.js';
import { homeFolder } from '../system-user.js';
import type { OpenOptions } from './types.js';

export interface SdkEnvironment {
  readonly settings: Settings;
  /** The process's environment, overridden by the options. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  readonly cwd: string;
  readonly home: string;
}

/** What the command line learns from its config and environment, with the caller's values taking precedence. */
export async function sdkEnvironmentOf(options: OpenOptions): Promise<SdkEnvironment> {
  const { agent, sessionId, destination } = options;
  const env = {
    ...process.env,
    ...(agent === undefined ? {} : { TRACECRAFT_AGENT: textOf('agent', agent) }),
    ...(sessionId === undefined ? {} : { TRACECRAFT_SESSION: textOf('sessionId', sessionId) }),
  };
  const cwd = resolve(textOf('cwd', options.cwd ?? process.cwd()));
  const home = homeFolder(process.env);
  const context: SettingsContext = { cwd, env, home, io: nodeIo, clock: systemClock };
  const settings =
    destination === undefined
      ? await loadSettings(context)
      : explicitSettings(documentOf(destination), context);
  return { settings, env, cwd, home };
}

/** Untyped callers may pass anything. */
export function textOf(what: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new UsageError(`${what} must be a non-empty string`);
}

export function countOf(what: string, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
  throw new UsageError(`${what} must be a whole number above 0`);
}

function documentOf(destination: unknown) {
  return checkConfig(
    'not a usable destination',
    withoutUndefined(destination),
    'It has the fields of .tracecraft.json.',
  );
}

function withoutUndefined(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined));
}
