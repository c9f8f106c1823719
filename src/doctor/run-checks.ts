import { watch } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { harnessNames } from '../../watchers/names.js';
import type { Bucket } from '../bucket/bucket.js';
import { destinationFolder } from '../config/destination.js';
import { tracecraftHome } from '../config/files.js';
import type { Settings, SettingsContext } from '../config/settings.js';
import type { SourceError } from '../errors.js';
import { messageOf } from '../errors.js';
import { nodeIo } from '../io.js';
import type { Watcher } from '../mirror/stream.js';
import { everything, type Selection } from '../mirror/watch/selection.js';
import type { WatchView } from '../mirror/watch/watch-view.js';
import { bucketLayout, type Layout } from '../protocol/keys.js';
import { examineConfig } from './config.js';
import type { Examined, Finding } from './finding.js';
import { examineNode, examineState, judgeInotify, readInotifyLimits } from './machine.js';
import { examineMirror, type FoundSessions, findSessions } from './sessions.js';
import { examineStore } from './store.js';
import { judgeUnwatched, type UnwatchedFolder } from './unwatched.js';
import { examineWatch } from './watch.js';

export interface DoctorContext {
  readonly surroundings: SettingsContext;
  readonly watchers: readonly Watcher[];
  /** Which sessions a config mirrors. */
  scopeOf(settings: Settings): Scope;
  /** The state of this machine's mirror into a config's bucket; `null` if none has run. */
  watchView(settings: Settings): Promise<WatchView | null>;
  /** What could not be read so far, and what should exist but does not. */
  unread(
    watchers: readonly Watcher[],
    settings: Settings | undefined,
  ): Promise<readonly SourceError[]>;
  /** Folders of these harnesses that are not watched. */
  unwatched(watchers: readonly Watcher[]): Promise<readonly UnwatchedFolder[]>;
  /** As in `process.version`. */
  readonly nodeVersion: string;
  /** Compares every session's document with its parts; only on request, because it reads all of them. */
  readonly examineCounts?: (bucket: Bucket, layout: Layout) => Promise<Examined>;
  /** What is wrong with the installed service; `undefined` if none is installed. */
  examineService(): Promise<Examined | undefined>;
}

/**
 * Runs all checks one after another and reports each as soon as it is done. A check that fails becomes a finding and
 * hides no other.
 */
export async function* runChecks(context: DoctorContext): AsyncGenerator<Examined> {
  const { surroundings, watchers, nodeVersion } = context;
  const { env, clock } = surroundings;
  yield examineNode(nodeVersion, new Date(clock.now()));
  const state = tracecraftHome(surroundings);
  yield await guarded('state', () => examineState(state));
  const { examined, settings } = await examineConfig(surroundings);
  yield examined;
  const usable = settings?.trusted ? settings : undefined;
  const { selection, harnesses } = usable === undefined ? wholeMachine : context.scopeOf(usable);
  const mirrored = watchers.filter(({ harness }) => harnesses.includes(harness));
  const unread = () => context.unread(mirrored, usable);
  const here = await outcomeOf('harnesses', () =>
    findSessions(mirrored, selection, clock.now(), unread),
  );
  yield 'value' in here ? here.value.examined : here.failed;
  yield* examineElsewhere(context, mirrored);
  const found = 'value' in here ? here.value : undefined;
  if (found !== undefined) yield await guarded('file events', () => examineEvents(found));
  const service = await outcomeOf('service', () => context.examineService());
  if ('failed' in service) yield service.failed;
  else if (service.value !== undefined) yield service.value;
  if (settings === undefined || !settings.trusted) return;

  yield await guarded('watch', async () => examineWatch(await context.watchView(settings)));
  const store = await outcomeOf('bucket', () => examineStore({ settings, env, clock }));
  yield 'value' in store ? store.value.examined : store.failed;
  const bucket = 'value' in store ? store.value.bucket : undefined;
  if (bucket === undefined || found === undefined) return;
  const { project, stateFolder } = settings;
  const folder = destinationFolder(stateFolder, bucket.location, project);
  yield await guarded('mirror', () =>
    examineMirror(found, {
      bucket,
      layout: bucketLayout(project),
      folder,
      io: nodeIo,
      clock,
    }),
  );
  const { examineCounts } = context;
  if (examineCounts !== undefined) {
    yield await guarded('counts', () => examineCounts(bucket, bucketLayout(project)));
  }
  await bucket.close();
}

/** Yields nothing if there is nothing to report. */
async function* examineElsewhere(
  context: DoctorContext,
  watchers: readonly Watcher[],
): AsyncGenerator<Examined> {
  const check = 'other folders';
  const looked = await outcomeOf(check, () => context.unwatched(watchers));
  if ('failed' in looked) return yield looked.failed;
  const facts = looked.value.map(({ folder }) => folder);
  if (facts.length > 0) yield { check, facts, findings: looked.value.map(judgeUnwatched) };
}

export interface Scope {
  readonly selection: Selection;
  readonly harnesses: readonly string[];
}

const wholeMachine: Scope = { selection: everything, harnesses: harnessNames };

type CheckOutcome<T> = { readonly value: T } | { readonly failed: Examined };

async function outcomeOf<T>(check: string, step: () => Promise<T>): Promise<CheckOutcome<T>> {
  try {
    return { value: await step() };
  } catch (error) {
    const finding: Finding = {
      name: 'check-failed',
      severity: 'warning',
      message: `${check} could not be checked: ${messageOf(error)}`,
      fix: 'Run it again with DEBUG=tracecraft* and report the output.',
    };
    return { failed: { check, facts: [], findings: [finding] } };
  }
}

async function guarded(check: string, step: () => Promise<Examined>): Promise<Examined> {
  const result = await outcomeOf(check, step);
  return 'value' in result ? result.value : result.failed;
}

async function examineEvents(found: FoundSessions): Promise<Examined> {
  if (process.platform !== 'linux') {
    return { check: 'file events', facts: ['told by the system'], findings: [] };
  }
  const roots = found.roots.map(({ folder }) => folder);
  const counted = await Promise.all(roots.map(countFolders));
  const folders = counted.reduce((sum, count) => sum + count, 0);
  const refusal = roots[0] === undefined ? undefined : listenTrouble(roots[0]);
  return judgeInotify({ folders, ...(await readInotifyLimits()), refusal });
}

async function countFolders(root: string): Promise<number> {
  const below = await readdir(root, { withFileTypes: true, recursive: true }).catch(() => []);
  return 1 + below.filter((entry) => entry.isDirectory()).length;
}

/** Watches a folder for a moment: everything the user runs shares the limits. */
function listenTrouble(root: string): string | undefined {
  try {
    watch(root).close();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
