import { dirname } from 'node:path';
import { harnessNames } from '../../watchers/names.js';
import { parseDuration } from '../config/duration.js';
import type { Settings } from '../config/settings.js';
import { UsageError } from '../errors.js';
import { everything, type Selection } from '../mirror/watch/selection.js';

/** The command-line flags that widen or narrow what a config mirrors. */
interface ScopeFlags {
  readonly harness?: string | readonly string[] | undefined;
  readonly cwd?: string | undefined;
  readonly since?: string | undefined;
  readonly all?: boolean | undefined;
  readonly 'all-projects'?: boolean | undefined;
}

/**
 * Which sessions a config mirrors: the single definition, for `watch` and for everything that
 * reports on it.
 */
export interface Scope {
  readonly selection: Selection;
  readonly harnesses: readonly string[];
}

const defaultSinceMs = 7 * 24 * 3_600_000;

/** A project's own config covers its folder; the home config covers everything on the machine. */
export function scopeOf(settings: Settings, flags: ScopeFlags): Scope {
  const { file, watch } = settings;
  const isProject = file.scope === 'project' && flags['all-projects'] !== true;
  const since = flags.since ?? watch.since;
  const sinceMs = since === undefined ? defaultSinceMs : parseDuration('--since', since);
  const asked = typeof flags.harness === 'string' ? [flags.harness] : flags.harness;
  return {
    selection: {
      ...everything,
      sinceMs: flags.all ? undefined : sinceMs,
      cwd: flags.cwd ?? (isProject ? dirname(file.path) : undefined),
    },
    harnesses: watchedHarnesses(settings, asked),
  };
}

/**
 * The harnesses a watch covers: those of its flags, otherwise its config's, otherwise all.
 * `UsageError` for an unknown one.
 */
function watchedHarnesses(
  { file, watch }: Settings,
  asked: readonly string[] | undefined,
): readonly string[] {
  if (asked !== undefined) return asked;
  const configured = watch.harness ?? harnessNames;
  const known = new Set<string>(harnessNames);
  const index = configured.findIndex((one) => !known.has(one));
  if (index === -1) return configured;
  throw new UsageError(
    `not a usable config: ${file.path}: field "watch.harness.${index}" must be one of ${harnessNames.join(', ')}`,
    { hint: 'Correct that file.' },
  );
}
