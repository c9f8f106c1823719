import { rmdir } from 'node:fs/promises';
import type { SettingsFormatName, SetupDescription, SetupFile } from '../../watchers/setup.js';
import { TracecraftError } from '../errors.js';
import type { Io } from '../io.js';
import { withoutLinks } from '../links.js';
import { putIn, type Subject, stillThere, takeOut } from './edit.js';
import type { SettingsFormat } from './insertion.js';
import { jsonSettings } from './json-settings.js';
import { readRecord, removeRecord, type SetupRecord, sha256, writeRecord } from './record.js';
import {
  missingAbove,
  notWritable,
  readSettings,
  removeSettings,
  type SettingsFile,
  setupFolder,
  writeSettings,
} from './settings-file.js';
import { yamlSettings } from './yaml-settings.js';

export interface FileChange {
  readonly path: string;
  readonly action: 'write' | 'keep' | 'remove' | 'leave';
}

/** What to do, determined without changing anything. */
export interface SetupPlan {
  readonly settings: SettingsFile;
  /** `undefined`: the settings file should not exist. */
  readonly after: string | undefined;
  readonly files: readonly FileChange[];
  readonly notes: readonly string[];
  readonly isChange: boolean;
  /** Carries it out. */
  apply(): Promise<void>;
}

interface SetupPlace {
  readonly io: Io;
  readonly tracecraftHome: string;
}

const formats: Readonly<Record<SettingsFormatName, SettingsFormat>> = {
  jsonc: jsonSettings('jsonc'),
  json5: jsonSettings('json5'),
  yaml: yamlSettings,
  text: { parse: (text) => text, places: () => [], without: () => undefined },
};

export function subjectOf({ format, settings, wanted, isOurs }: SetupDescription): Subject {
  return { format: formats[format], path: settings, wanted, isOurs };
}

export async function planSetup(place: SetupPlace, setup: SetupDescription): Promise<SetupPlan> {
  const { tracecraftHome } = place;
  const io = withoutLinks(place.io, tracecraftHome);
  const settings = await readSettings(setup.settings);
  const { text, insertions } = putIn(subjectOf(setup), settings.text);
  const before = await readRecord(io, tracecraftHome, setup.harness, setup.settings);
  const files = await Promise.all(setup.files.map((file) => fileChange(io, file, before)));
  const left = files.filter(({ action }) => action === 'leave').map(({ path }) => path);
  const written = setup.files.filter(({ path }) => !left.includes(path));
  // An identical skill that someone else put there is not ours to remove.
  const isTheirs = (path: string): boolean =>
    path.endsWith('.md') &&
    files.some((one) => one.path === path && one.action === 'keep') &&
    before?.files.some((file) => file.path === path) !== true;
  const isChange = insertions.length > 0 || files.some(({ action }) => action === 'write');
  return {
    settings,
    after: text,
    files,
    notes: [
      ...left.map((path) => `${path} already exists and is not ours: left unchanged.`),
      ...setup.notes(formats[setup.format].parse(text, setup.settings)),
    ],
    isChange,
    apply: async () => {
      const record: SetupRecord = {
        schema_version: 1,
        harness: setup.harness,
        settings: setup.settings,
        created: before?.created ?? (!settings.exists && setup.wanted.length > 0),
        insertions: [...stillThere(settings.text, before?.insertions ?? []), ...insertions],
        files: merged(
          before?.files ?? [],
          written.filter(({ path }) => !isTheirs(path)),
        ),
        folders: [
          ...(before?.folders ?? []),
          ...(await missingFolders(setup, written, tracecraftHome)),
        ],
      };
      await guarded(tracecraftHome, () => writeRecord(io, tracecraftHome, setup.harness, record));
      for (const { path, content } of written) {
        const isKept = files.some((one) => one.path === path && one.action === 'keep');
        if (!isKept) await guarded(path, () => io.replaceFile(path, content));
      }
      if (insertions.length > 0) await writeSettings(settings, text);
    },
  };
}

export async function planRemoval(place: SetupPlace, setup: SetupDescription): Promise<SetupPlan> {
  const { tracecraftHome } = place;
  const io = withoutLinks(place.io, tracecraftHome);
  const settings = await readSettings(setup.settings);
  const record = await readRecord(io, tracecraftHome, setup.harness, setup.settings);
  const text = takeOut(subjectOf(setup), settings.text, record?.insertions ?? []);
  const isOnlyOurs = record?.created === true && /^\s*(\{\s*\})?\s*$/.test(text);
  const after = settings.exists && !isOnlyOurs ? text : undefined;
  const ours =
    record?.files ?? setup.files.map(({ path, content }) => ({ path, sha256: sha256(content) }));
  const files = (await Promise.all(ours.map((file) => removal(io, file)))).filter(
    (change) => change !== undefined,
  );
  const isEdited = settings.exists && after !== settings.text;
  return {
    settings,
    after,
    files,
    notes: files
      .filter(({ action }) => action === 'leave')
      .map(({ path }) => `${path} was edited since: left unchanged.`),
    isChange: isEdited || files.some(({ action }) => action === 'remove'),
    apply: async () => {
      if (isEdited && after === undefined) await removeSettings(settings);
      if (isEdited && after !== undefined) await writeSettings(settings, after);
      for (const { path, action } of files) {
        if (action === 'remove') await guarded(path, () => io.remove(path));
      }
      await removeRecord(io, tracecraftHome, setup.harness, setup.settings);
      // A folder with something in it by now stays.
      for (const folder of [...(record?.folders ?? []), setupFolder(tracecraftHome)].toReversed()) {
        await rmdir(folder).catch(() => undefined);
      }
    },
  };
}

async function guarded(path: string, step: () => Promise<void>): Promise<void> {
  try {
    await step();
  } catch (error) {
    throw error instanceof TracecraftError ? error : notWritable(path, error);
  }
}

async function fileChange(
  io: Io,
  { path, content }: SetupFile,
  before: SetupRecord | undefined,
): Promise<FileChange> {
  const present = await contentOf(io, path);
  if (present === undefined) return { path, action: 'write' };
  if (present === content) return { path, action: 'keep' };
  const isOurs =
    before?.files.some((file) => file.path === path && file.sha256 === sha256(present)) === true ||
    !path.endsWith('.md');
  return { path, action: isOurs ? 'write' : 'leave' };
}

async function removal(
  io: Io,
  file: { readonly path: string; readonly sha256: string },
): Promise<FileChange | undefined> {
  const present = await contentOf(io, file.path);
  if (present === undefined) return undefined;
  const isOurs = sha256(present) === file.sha256;
  return { path: file.path, action: isOurs ? 'remove' : 'leave' };
}

async function contentOf(io: Io, path: string): Promise<string | undefined> {
  try {
    return (await io.readFile(path))?.toString('utf8');
  } catch (error) {
    throw error instanceof TracecraftError ? error : notWritable(path, error);
  }
}

function merged(before: SetupRecord['files'], written: readonly SetupFile[]): SetupRecord['files'] {
  const files = new Map(before.map(({ path, sha256: hash }) => [path, hash]));
  for (const { path, content } of written) files.set(path, sha256(content));
  return [...files].map(([path, hash]) => ({ path, sha256: hash }));
}

async function missingFolders(
  setup: SetupDescription,
  written: readonly SetupFile[],
  tracecraftHome: string,
): Promise<string[]> {
  const folders = new Set<string>();
  const paths = [setupFolder(tracecraftHome), setup.settings, ...written.map((one) => one.path)];
  for (const path of paths) {
    for (const folder of await missingAbove(path)) folders.add(folder);
  }
  return [...folders];
}
