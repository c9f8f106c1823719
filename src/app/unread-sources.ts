import { requireHarness } from '../../watchers/names.js';
import { PartialError, SourceError, type TracecraftError } from '../errors.js';
import { nodeIo } from '../io.js';
import { streamsOf, type Watcher } from '../mirror/stream.js';
import { type HarnessRoot, healthPath, readHealth } from '../mirror/watch/health-record.js';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Sources on this machine that exist, or should, and cannot be read: each is reported once, and the
 * exit code accounts for all of them.
 */
export class UnreadSources {
  readonly #errors = new Map<string, SourceError>();

  get errors(): readonly SourceError[] {
    return [...this.#errors.values()];
  }

  add(error: TracecraftError): void {
    if (error instanceof SourceError) this.#errors.set(error.message, error);
  }

  /** Throws the error of a command that cannot claim completeness. */
  require(): void {
    const [first, ...others] = this.errors;
    if (first === undefined) return;
    const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
    throw new PartialError(`not everything could be read: ${first.message}${more}`, {
      hint: first.hint ?? 'Everything else is mirrored. Run it again once it can be read.',
    });
  }
}

/** Harness folders that the environment names but that do not exist. */
export async function missingFolders(
  watchers: readonly Watcher[],
  env: Environment,
): Promise<readonly SourceError[]> {
  const missing: SourceError[] = [];
  for (const watcher of watchers) {
    const variable = requireHarness(watcher.harness).folderVariables.find((name) => env[name]);
    if (variable === undefined || (await watcher.roots()).length > 0) continue;
    missing.push(
      new SourceError(
        'unreachable',
        `${variable} names ${env[variable]}, where ${watcher.harness} has left nothing`,
        { hint: `Correct ${variable}, or unset it.` },
      ),
    );
  }
  return missing;
}

/**
 * Harness folders that existed when the mirror last looked (according to `record`) and are gone.
 */
export async function vanishedFolders(
  watchers: readonly Watcher[],
  before: readonly HarnessRoot[],
  record: string,
): Promise<readonly SourceError[]> {
  const harnesses = new Set<string>(watchers.map(({ harness }) => harness));
  const present = new Set<string>();
  for (const watcher of watchers) for (const root of await watcher.roots()) present.add(root);
  // It may still exist: a variable may name another folder now.
  for (const { folder } of before) {
    if ((await nodeIo.stat(folder).catch(() => undefined)) !== undefined) present.add(folder);
  }
  return before
    .filter(({ harness, folder }) => harnesses.has(harness) && !present.has(folder))
    .map(
      ({ folder }) =>
        new SourceError('unreachable', `${folder} is gone: its sessions cannot be checked`, {
          hint: `Mount it, or put it back. If it was removed on purpose, delete ${record}.`,
        }),
    );
}

/** Reads everything once, so that the watchers report whatever cannot be read now. */
export async function meetEverything(watchers: readonly Watcher[]): Promise<void> {
  for (const watcher of watchers) {
    for await (const stream of streamsOf(watcher)) await stream.changed(undefined);
  }
}

/**
 * Everything whose completeness is uncertain: what the watchers reported, missing folders, and
 * vanished folders.
 */
export async function unreadFolders(
  watchers: readonly Watcher[],
  env: Environment,
  folder: string,
): Promise<readonly SourceError[]> {
  const before = await readHealth(nodeIo, folder);
  const vanished = await vanishedFolders(watchers, before?.roots ?? [], healthPath(folder));
  return [...(await missingFolders(watchers, env)), ...vanished];
}
