import { realpath } from 'node:fs/promises';
import { harnesses } from '../../watchers/names.js';
import { createWatchers, type WatcherSettings } from '../../watchers/registry.js';
import type { UnwatchedFolder } from '../doctor/unwatched.js';
import { streamsOf, type Watcher } from '../mirror/stream.js';

/**
 * A harness's default folders that contain sessions but are not watched, because a variable names
 * another folder.
 */
export async function unwatchedFolders(
  settings: WatcherSettings,
  watchers: readonly Watcher[],
): Promise<readonly UnwatchedFolder[]> {
  const looked = new Set<string>();
  for (const watcher of watchers) {
    for (const root of await watcher.roots()) looked.add(await realOf(root));
  }
  const found: UnwatchedFolder[] = [];
  for (const { name, folderVariables, takesFolderList = false } of harnesses) {
    const variable = folderVariables.find((one) => settings.env[one]);
    const isMirrored = watchers.some(({ harness }) => harness === name);
    if (variable === undefined || !isMirrored) continue;
    const unset = Object.fromEntries(folderVariables.map((one) => [one, undefined]));
    const env = { ...settings.env, ...unset };
    const [usual] = await createWatchers({ ...settings, env, onUnreadable: () => undefined }, [
      name,
    ]);
    for (const folder of (await usual?.roots()) ?? []) {
      if (usual === undefined || looked.has(await realOf(folder))) continue;
      const sessions = await sessionsIn(usual, folder);
      if (sessions === 0) continue;
      found.push({ harness: name, variable, folder, sessions, takesList: takesFolderList });
    }
  }
  return found;
}

async function sessionsIn(watcher: Watcher, folder: string): Promise<number> {
  const ids = new Set<string>();
  for await (const { session, source } of streamsOf(watcher)) {
    if (source.startsWith(folder)) ids.add(session.id);
  }
  return ids.size;
}

function realOf(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}
