import { realpath } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';

/**
 * The paths to start a program by, so that an upgrade does not remove them: package managers keep a stably named link
 * next to folders named after a version.
 */
export interface Executable {
  readonly path: string;
  /** False if only a path with a version, or into a cache, leads there: an upgrade or clean-up will break it. */
  readonly isStable: boolean;
}

interface SdkEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `process.execPath`. */
  readonly execPath: string;
}

/** Homebrew's `opt` links, then what PATH finds, then where Node says it is. */
export async function stableNode({ env, execPath }: SdkEnvironment): Promise<Executable> {
  const real = await realpath(execPath);
  const onPath = (env.PATH ?? '').split(delimiter).filter(isAbsolute);
  const candidates = [
    ...homebrewLink(real),
    ...onPath.map((folder) => join(folder, 'node')),
    execPath,
  ];
  return (await firstStable(candidates, real)) ?? { path: execPath, isStable: isStable(execPath) };
}

/** `invoked` is how tracecraft was called (`process.argv[1]`), `script` this very file. */
export async function stableScript(
  invoked: string | undefined,
  script: string,
): Promise<Executable> {
  const real = await realpath(script);
  const candidates = [...(invoked === undefined ? [] : [invoked]), script, real];
  return (await firstStable(candidates, real)) ?? { path: script, isStable: false };
}

async function firstStable(
  candidates: readonly string[],
  real: string,
): Promise<Executable | undefined> {
  for (const path of candidates.filter((one) => isAbsolute(one) && isStable(one))) {
    const target = await realpath(path).catch(() => undefined);
    if (target === real) return { path, isStable: true };
  }
  return undefined;
}

/**
 * `…/Cellar/node@22/22.3.0/bin/node` is also `…/opt/node@22/bin/node`, which every upgrade keeps pointing at the
 * current version (docs.brew.sh, "FAQ").
 */
function homebrewLink(real: string): string[] {
  const [, prefix, formula] = /^(.*)\/Cellar\/([^/]+)\/[^/]+\/bin\/node$/.exec(real) ?? [];
  return prefix === undefined || formula === undefined ? [] : [`${prefix}/opt/${formula}/bin/node`];
}

/** A folder of one version, of npx's cache, or of one shell's session with fnm. */
function isStable(path: string): boolean {
  const passing = /^(v?\d+\.\d+(\.\d+.*)?|.*@v?\d+\.\d+\.\d+.*|_npx|fnm_multishells)$/;
  return !path.split('/').some((segment) => passing.test(segment));
}
