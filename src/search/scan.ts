import { readerOf } from '../../watchers/readers.js';
import type { Bucket } from '../bucket/bucket.js';
import { leafText } from '../conversation/leaf-text.js';
import type { RowText } from '../conversation/reader.js';
import { UnreachableError } from '../errors.js';
import { type ListedSession, readMeta } from '../mirror/slots/session-listing.js';
import { listStreams, readParts } from '../mirror/slots/session-streams.js';
import type { SessionRef } from '../mirror/stream.js';
import type { MetaDocument } from '../protocol/documents.js';
import type { Layout } from '../protocol/keys.js';
import { isName } from '../protocol/names.js';
import { inOrder } from './in-order.js';
import type { Found, Matcher } from './matcher.js';

/** What is searched; a missing field excludes nothing. */
export interface SearchScope {
  readonly harness?: string | undefined;
  readonly agent?: string | undefined;
  readonly host?: string | undefined;
  readonly folder?: string | undefined;
  /** Milliseconds since the epoch, of the row itself. */
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  readonly role?: RowText['role'] | undefined;
  readonly tool?: string | undefined;
  readonly hasSubagents: boolean;
}

export interface Hit {
  readonly stream: string;
  /** From 0. */
  readonly line: number;
  readonly role: RowText['role'];
  readonly tool: string | undefined;
  readonly atMs: number | undefined;
  readonly text: string;
  readonly found: Found;
}

export interface SessionHits {
  readonly session: ListedSession;
  /** The shortest form of its id that distinguishes it from all others. */
  readonly shortId: string;
  /** The newest ones, newest first. */
  readonly hits: readonly Hit[];
  readonly count: number;
  /** No single row has all the words, but the session does. */
  readonly isSpread: boolean;
  readonly lines: number;
  /** What could not be read, in words. */
  readonly unread: string | undefined;
}

export interface Listed {
  readonly sessions: readonly KnownSession[];
}

interface KnownSession extends SessionRef {
  /** What is known about it, which may be out of date. */
  readonly meta: Pick<MetaDocument, 'total_uploaded_bytes'> | undefined;
  /** Its `meta.json`, if that was just read. */
  readonly whole?: ListedSession;
}

export interface SearchInput {
  readonly bucket: Bucket;
  readonly layout: Layout;
  readonly matcher: Matcher;
  readonly scope: SearchScope;
  /** Maximum number of hits kept per session. */
  readonly perSession: number;
  /** Newest first. */
  listed(bucket: Bucket, layout: Layout, harnesses: readonly string[]): Promise<Listed>;
  /** The shortest form of each id that distinguishes it from the others. */
  shortIds(ids: readonly string[]): ReadonlyMap<string, string>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Searches a project's transcripts part by part, without an index, beginning with the session
 * written last.
 */
export async function* scanSessions(input: SearchInput): AsyncGenerator<SessionHits> {
  const { bucket, layout, scope, signal } = input;
  const wanted = scope.harness === undefined ? await harnessesIn(bucket, layout) : [scope.harness];
  const { sessions } = await input.listed(bucket, layout, wanted);
  const short = input.shortIds(sessions.map(({ id }) => id));
  const scan = async ({ harness, id, whole }: KnownSession, stopped: AbortSignal) => {
    const session = whole ?? {
      harness,
      id,
      meta: await readMeta(bucket, layout.meta(harness, id)),
    };
    if (!isInScope(session, scope)) return undefined;
    const shortId = scope.harness === undefined ? short.get(id) : undefined;
    return new SessionScan({ ...input, signal: stopped }, session, shortId ?? id).run();
  };
  const atOnce = bucket.kind === 'local' ? atOnceOnDisk : undefined;
  const results = inOrder(sessions, scan, {
    bytesOf: bytesHeld,
    signal,
    ...(atOnce === undefined ? {} : { atOnce }),
  });
  for await (const result of results) if (result !== undefined) yield result;
}

/** More would neither be faster nor fit the processor's cache, and the first hits would come later. */
const atOnceOnDisk = 4;

/** Memory for a part: its bytes, its text at twice the size, and its rows. */
const largestHeld = 32 * 1024 * 1024;

/** Only one part of a session is held at a time. */
function bytesHeld({ meta }: KnownSession): number {
  return Math.min(largestHeld, 4 * (meta?.total_uploaded_bytes ?? largestHeld));
}

async function harnessesIn(bucket: Bucket, layout: Layout): Promise<readonly string[]> {
  const prefix = `${layout.root}sessions/`;
  const names: string[] = [];
  for await (const entry of bucket.list(prefix, { delimiter: '/' })) {
    if (entry.kind === 'prefix') names.push(entry.prefix.slice(prefix.length, -1));
  }
  return names.filter(isName);
}

/** A mirror that was killed leaves a `meta.json` behind that is some minutes older than the last part. */
const longestLagMs = 24 * 3_600_000;

/** A session without a readable `meta.json` is searched, because nothing is known about it. */
function isInScope(
  { meta }: ListedSession,
  { agent, host, folder, sinceMs }: SearchScope,
): boolean {
  if (meta === undefined) return true;
  if (agent !== undefined && meta.agent_id !== agent) return false;
  if (host !== undefined && meta.host !== host) return false;
  if (folder !== undefined && !isBelow(meta.cwd, folder)) return false;
  const uploadedMs = Date.parse(meta.last_uploaded_at ?? '');
  return sinceMs === undefined || !(uploadedMs + longestLagMs < sinceMs);
}

function isBelow(path: string | null, folder: string): boolean {
  return path === folder || path?.startsWith(`${folder.replace(/[/\\]+$/, '')}/`) === true;
}

class SessionScan {
  readonly #input: SearchInput;
  readonly #session: ListedSession;
  readonly #shortId: string;
  readonly #seen = new Set<string>();
  /** Words that must still be looked for, in case that no row has all of them. */
  readonly #unseen: Set<number>;
  #hits: Hit[] = [];
  #count = 0;
  #lines = 0;

  constructor(input: SearchInput, session: ListedSession, shortId: string) {
    this.#input = input;
    this.#session = session;
    this.#shortId = shortId;
    this.#unseen = new Set(Array.from({ length: input.matcher.count }, (_, index) => index));
  }

  async run(): Promise<SessionHits> {
    const unread = await this.#streams();
    const isSpread = this.#count === 0 && this.#unseen.size === 0;
    this.#keep(this.#input.perSession);
    return {
      session: this.#session,
      shortId: this.#shortId,
      hits: this.#hits,
      count: this.#count,
      isSpread,
      lines: this.#lines,
      unread,
    };
  }

  /**
   * Returns what could not be read. An unreachable store ends the search: nothing else could be
   * read either.
   */
  async #streams(): Promise<string | undefined> {
    const { bucket, layout, scope } = this.#input;
    const { harness, id, meta } = this.#session;
    try {
      const missing: string[] = [];
      for (const { name, prefix } of await listStreams(bucket, layout, { harness, id })) {
        if (name !== '' && !scope.hasSubagents) continue;
        const { lines, isTorn } = await this.#stream(name, prefix);
        const told =
          name === ''
            ? meta?.total_lines
            : meta?.streams.find((stream) => stream.name === name)?.total_lines;
        const of = name === '' ? '' : ` of ${name}`;
        if (told !== undefined && lines < told)
          missing.push(`${told - lines} of ${told} lines${of}`);
        else if (isTorn) missing.push(`what follows line ${lines}${of}`);
      }
      return missing.length === 0 ? undefined : missing.join(', ');
    } catch (error) {
      if (error instanceof UnreachableError || !(error instanceof Error)) throw error;
      if (this.#input.signal?.aborted === true) throw error;
      return error.message;
    }
  }

  async #stream(
    name: string,
    prefix: string,
  ): Promise<{ readonly lines: number; readonly isTorn: boolean }> {
    const { bucket, matcher, signal } = this.#input;
    let end = 0;
    let isTorn = false;
    const onMissing = (): void => {
      isTorn = true;
    };
    for await (const { body, startLine, endLine } of readParts(bucket, prefix, onMissing)) {
      signal?.throwIfAborted();
      for (const { line, bytes } of matcher.prefilter.linesIn(body, this.#unseen)) {
        this.#line(bytes.toString('utf8'), name, startLine + line);
      }
      end = endLine;
    }
    this.#lines += end;
    return { lines: end, isTorn };
  }

  #line(raw: string, stream: string, line: number): void {
    const { matcher, scope, perSession } = this.#input;
    const row = rowIn(this.#session.harness, raw);
    if (row === undefined || !isRowInScope(row, scope)) return;
    const found = matcher.find(row.text);
    for (const [index, one] of found.entries()) if (one !== undefined) this.#unseen.delete(index);
    const first = found.find((one) => one !== undefined);
    if (first === undefined || !matcher.isMatch(found) || this.#isRepeated(row, stream)) return;
    this.#count += 1;
    this.#unseen.clear();
    const { role, tool, atMs, text } = row;
    this.#hits.push({ stream, line, role, tool, atMs, text, found: first });
    if (this.#hits.length > 2 * perSession + 64) this.#keep(perSession);
  }

  /** A database's rows are recorded again whenever they change. */
  #isRepeated({ id, text }: SearchedRow, stream: string): boolean {
    if (id === undefined) return false;
    const key = `${stream}\n${id}\n${text}`;
    if (this.#seen.has(key)) return true;
    this.#seen.add(key);
    return false;
  }

  /** Keeps the newest ones. */
  #keep(most: number): void {
    this.#hits = this.#hits
      .sort((left, right) => (right.atMs ?? 0) - (left.atMs ?? 0))
      .slice(0, most);
  }
}

interface SearchedRow extends RowText {
  readonly id: string | undefined;
  readonly atMs: number | undefined;
}

function rowIn(harness: string, line: string): SearchedRow | undefined {
  const reader = readerOf(harness);
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { role: 'system', text: line, id: undefined, atMs: undefined };
  }
  try {
    if (reader === undefined) {
      return { role: 'system', text: leafText(value), id: undefined, atMs: undefined };
    }
    const said = reader.textOf(value);
    const { id, atMs } = reader.read(value);
    return said && { ...said, id, atMs };
  } catch {
    // Too deeply nested to traverse, so the raw line serves as its text.
    return { role: 'system', text: line, id: undefined, atMs: undefined };
  }
}

function isRowInScope(row: SearchedRow, { sinceMs, untilMs, role, tool }: SearchScope): boolean {
  if (role !== undefined && row.role !== role) return false;
  if (tool !== undefined && row.tool?.toLowerCase() !== tool.toLowerCase()) return false;
  if (sinceMs === undefined && untilMs === undefined) return true;
  if (row.atMs === undefined) return false;
  return row.atMs >= (sinceMs ?? -Infinity) && row.atMs < (untilMs ?? Infinity);
}
