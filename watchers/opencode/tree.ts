import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '../../src/clock.js';
import { inParallel } from '../../src/concurrency.js';
import { type Fields, fields, finite, word } from '../../src/conversation/fields.js';
import type { TracecraftError } from '../../src/errors.js';
import type { FileStat, Io } from '../../src/io.js';
import type {
  Chunk,
  FileSnapshot,
  Pass,
  Position,
  ReadLimit,
  RecordStream,
} from '../../src/mirror/stream.js';
import type { DirectoryListings } from '../files/directory-listings.js';
import { snapshotOf } from '../files/file-snapshot.js';
import { comparedStream } from '../sqlite/compared-stream.js';
import { RowComparison, type SessionRows } from '../sqlite/row-comparison.js';
import { passedOver, unreadable } from '../unreadable.js';
import { openCode } from './description.js';
import { foldOpenCodeLine } from './facts.js';
import { decodeShipped, encodeShipped } from './position.js';
import { childBody, compareKeys, deletedBody, parseLine, sessionBody } from './rows.js';

interface TreeSettings {
  /** opencode's data folder. */
  readonly folder: string;
  readonly io: Io;
  readonly clock: Clock;
  readonly listings: DirectoryListings;
  readonly onUnreadable: (error: TracecraftError) => void;
}

/** Where a session is kept. */
interface TreePlace {
  readonly session: string;
  readonly messages: string;
  readonly partsOf: (message: string) => string;
}

interface TreeFile {
  /** As of a row; '' for the session's own. */
  readonly key: string;
  readonly path: string;
  readonly stat: FileStat;
  /** Of a part. */
  readonly message?: string;
}

interface ReadFile extends TreeFile {
  readonly document: Fields | undefined;
}

const idIn = /^((?:ses|msg|prt)_[\w-]{1,120})\.json$/;
/** Anything larger is omitted, as it is from a database. */
const largest = 192 << 20;
const rowsAtATime = 50;
/** A file that is written in place may be half written for a moment. */
const settledAfterMs = 2_000;

/**
 * Sessions as releases before 1.2 keep them: a file each for the session, its messages and their parts, rewritten in place.
 * They are told as the rows that a later release makes of them, so that nothing else has to know the difference.
 */
export class OpenCodeTrees {
  readonly #settings: TreeSettings;

  constructor(settings: TreeSettings) {
    this.#settings = settings;
  }

  /** By session id: as 1.0 and 1.1 keep it, otherwise as earlier releases do. */
  async places(pass: Pass): Promise<ReadonlyMap<string, TreePlace>> {
    const { folder } = this.#settings;
    const places = new Map<string, TreePlace>();
    for (const project of await this.#foldersIn(join(folder, 'project'), pass)) {
      const own = join(folder, 'project', project, 'storage', 'session');
      for (const id of await this.#idsIn(join(own, 'info'), pass)) {
        places.set(id, {
          session: join(own, 'info', `${id}.json`),
          messages: join(own, 'message', id),
          partsOf: (message) => join(own, 'part', id, message),
        });
      }
    }
    const storage = join(folder, 'storage');
    for (const project of await this.#foldersIn(join(storage, 'session'), pass)) {
      for (const id of await this.#idsIn(join(storage, 'session', project), pass)) {
        places.set(id, {
          session: join(storage, 'session', project, `${id}.json`),
          messages: join(storage, 'message', id),
          partsOf: (message) => join(storage, 'part', message),
        });
      }
    }
    return places;
  }

  stream(id: string, place: TreePlace): RecordStream {
    return comparedStream(
      {
        session: { harness: openCode.name, id },
        name: '',
        source: place.session,
        read: (from, limit) => this.#read(id, place, from, limit),
        facts: foldOpenCodeLine,
      },
      async () => {
        const files = await this.#filesOf(place);
        return files && snapshotOfAll(files);
      },
      { decode: decodeShipped, encode: encodeShipped, parseLine },
    );
  }

  async #read(
    id: string,
    place: TreePlace,
    from: Position,
    limit: ReadLimit,
  ): Promise<Chunk | 'moved' | 'gone'> {
    const shipped = decodeShipped(from.at);
    if (shipped === undefined) return 'moved';
    const files = await this.#filesOf(place);
    if (files === undefined) return 'gone';
    const snapshot = snapshotOfAll(files);
    const bytesOf = ({ stat }: TreeFile): number => stat.size;
    const read = await inParallel(files, (file) => this.#document(file), { bytesOf });
    const rows = this.#isHalfWritten(read) ? undefined : rowsOf(id, read);
    if (rows === undefined) {
      return { lines: [], next: from, snapshot, sourceBytes: 0, rest: 0, more: false };
    }
    const { lines, bytes, more } = new RowComparison(rows, shipped, limit).run();
    const next = { line: from.line + lines.length, at: encodeShipped(shipped) };
    return { lines, next, snapshot, sourceBytes: bytes, rest: 0, more };
  }

  /** Then the next look finds it whole. What stays damaged is named, and left out. */
  #isHalfWritten(files: readonly ReadFile[]): boolean {
    const damaged = files.filter(({ document }) => document === undefined);
    const now = this.#settings.clock.now();
    if (damaged.some(({ stat }) => stat.mtimeMs > now - settledAfterMs)) return true;
    for (const { path } of damaged) {
      this.#settings.onUnreadable(passedOver(path, 'it is not a JSON document'));
    }
    return false;
  }

  async #document(file: TreeFile): Promise<ReadFile> {
    const { io } = this.#settings;
    if (file.stat.size > largest) return { ...file, document: {} };
    const text = (await io.readFile(file.path))?.toString('utf8') ?? '';
    return { ...file, document: parsed(text) };
  }

  /** `undefined` if the session is gone. */
  async #filesOf({
    session,
    messages,
    partsOf,
  }: TreePlace): Promise<readonly TreeFile[] | undefined> {
    const own = await this.#stat(session);
    if (own === undefined) return undefined;
    const files: TreeFile[] = [{ key: '', path: session, stat: own }];
    const add = async (folder: string, id: string, file: Pick<TreeFile, 'key' | 'message'>) => {
      const path = join(folder, `${id}.json`);
      const stat = await this.#stat(path);
      if (stat !== undefined) files.push({ ...file, path, stat });
    };
    for (const id of await this.#idsIn(messages)) {
      await add(messages, id, { key: `message ${id}` });
      const folder = partsOf(id);
      for (const part of await this.#idsIn(folder)) {
        await add(folder, part, { key: `part ${part}`, message: id });
      }
    }
    return files.sort((left, right) => compareKeys(left.key, right.key));
  }

  async #stat(path: string): Promise<FileStat | undefined> {
    try {
      const stat = await this.#settings.io.stat(path);
      return stat?.kind === 'file' ? stat : undefined;
    } catch (error) {
      throw unreadable(path, error);
    }
  }

  async #foldersIn(folder: string, pass: Pass): Promise<readonly string[]> {
    const entries = (await this.#settings.listings.list(folder, pass)) ?? [];
    return entries.filter(({ kind }) => kind === 'directory').map(({ name }) => name);
  }

  async #idsIn(folder: string, pass: Pass = 'all'): Promise<readonly string[]> {
    const entries = (await this.#settings.listings.list(folder, pass)) ?? [];
    return entries.flatMap(({ name, kind }) =>
      kind === 'file' ? (idIn.exec(name)?.[1] ?? []) : [],
    );
  }
}

function snapshotOfAll(files: readonly TreeFile[]): FileSnapshot {
  const seen = files.map(({ path, stat }) => `${path} ${snapshotOf(stat).token}`).join('\n');
  return {
    token: createHash('sha256').update(seen).digest('hex').slice(0, 32),
    size: files.reduce((sum, { stat }) => sum + stat.size, 0),
    modifiedAtMs: Math.max(...files.map(({ stat }) => stat.mtimeMs)),
  };
}

/** `undefined` if the session's own file is damaged. */
function rowsOf(id: string, files: readonly ReadFile[]): SessionRows<string> | undefined {
  const own = files.find(({ key }) => key === '')?.document;
  if (own === undefined) return undefined;
  const messages = new Map(files.map((file) => [file.key, file.document]));
  const rows = files.flatMap((file) => {
    const { key, document, message } = file;
    if (key === '' || document === undefined) return [];
    return [{ key, body: bodyOf(file, document, fields(messages.get(`message ${message}`))) }];
  });
  return {
    session: sessionBody(id, sessionRow(own, files)),
    rowsAfter: (after) => {
      const start = rows.findIndex(({ key }) => after === undefined || key > after);
      return start === -1 ? [] : rows.slice(start, start + rowsAtATime);
    },
    compare: compareKeys,
    deletedBody,
  };
}

/** The earliest releases note the folder with the messages alone. */
function sessionRow(own: Fields, files: readonly ReadFile[]): Fields {
  const time = fields(own.time);
  const noted = files.map(({ document }) => word(fields(document?.path).cwd));
  return {
    project_id: own.projectID,
    parent_id: own.parentID,
    slug: own.slug,
    directory: own.directory ?? noted.find((cwd) => cwd !== undefined),
    title: own.title,
    version: own.version,
    revert: own.revert === undefined ? undefined : JSON.stringify(own.revert),
    time_created: time.created,
    time_compacting: time.compacting,
    time_archived: time.archived,
  };
}

function bodyOf({ key, stat, message }: TreeFile, document: Fields, of: Fields): Buffer {
  const { id: _id, sessionID: _session, messageID: _message, ...data } = document;
  const [table = '', one = ''] = key.split(' ');
  const isPart = table === 'part';
  const time = fields(document.time);
  const created = finite(time.created) ?? finite(time.start) ?? finite(fields(of.time).created);
  const row = {
    ...(isPart ? { message_id: message } : {}),
    time_created: created,
    data: stat.size > largest ? null : JSON.stringify(data),
  };
  return childBody(isPart ? 'part' : 'message', one, row, stat.size);
}

function parsed(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? fields(value)
      : undefined;
  } catch {
    return undefined;
  }
}
