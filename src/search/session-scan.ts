import { UnreachableError } from '../errors.js';
import type { WalkedPart } from '../mirror/slots/reader.js';
import type { ListedSession } from '../mirror/slots/session-listing.js';
import { type PartWalk, type StreamPlace, walkParts } from '../mirror/slots/session-streams.js';
import { type PlacedRow, shortId } from './pack/block.js';
import { DamagedPackError } from './pack/bytes.js';
import type { BlockPlace } from './pack/pack.js';
import type { CoveredLines } from './pack-query.js';
import { rowIn, type SearchedRow } from './row.js';
import { rowsAhead } from './rows-ahead.js';
import type { Hit, SearchScope, SessionHits, SessionInput } from './scan.js';
import { SharedHits } from './shared-hits.js';

interface RowPlace {
  readonly stream: string;
  readonly line: number;
  /** What tells the row from others: a pack has only the short form of an id. */
  idOf(row: SearchedRow): string | undefined;
}

/** Looks through the streams of one session. */
export class SessionScan {
  readonly #input: SessionInput;
  readonly #session: ListedSession;
  readonly #shortId: string;
  readonly #seen = new Set<string>();
  /** Words that must still be looked for, in case that no row has all of them. */
  readonly #unseen: Set<number>;
  #hits: Hit[] = [];
  #count = 0;
  #lines = 0;
  #scannedBytes = 0;
  /** What packs had of it, by stream. */
  readonly #covered: { readonly stream: string; readonly lines: CoveredLines }[] = [];

  readonly #shared: SharedHits;

  constructor(input: SessionInput, session: ListedSession, shortId: string) {
    this.#input = input;
    this.#shared = new SharedHits(session.harness);
    this.#session = session;
    this.#shortId = shortId;
    this.#unseen = new Set(Array.from({ length: input.matcher.count }, (_, index) => index));
  }

  async run(): Promise<SessionHits> {
    const unread = await this.#streams();
    const isSpread = this.#count === 0 && (await this.#hasAllTerms());
    this.#keep(this.#input.perSession);
    const { bucket, proof } = this.#input;
    proof.found(this.#count > 0 || isSpread);
    const claims = this.#shared.claimsOf(this.#hits);
    if (claims.size > 0) await proof.come;
    await this.#shared.prove(bucket, claims);
    return {
      session: this.#session,
      shortId: this.#shortId,
      hits: this.#hits,
      count: this.#count,
      isSpread,
      lines: this.#lines,
      scannedBytes: this.#scannedBytes,
      unread,
    };
  }

  /**
   * Returns what could not be read. An unreachable store ends the search: nothing else could be
   * read either.
   */
  async #streams(): Promise<string | undefined> {
    const { scope } = this.#input;
    const { meta } = this.#session;
    try {
      const missing: string[] = [];
      const { streams } = await this.#input.listStreams();
      for (const place of streams) {
        const { name } = place;
        if (name !== '' && !scope.hasSubagents) continue;
        const { lines, isTorn } = await this.#stream(place);
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
      if (error instanceof DamagedPackError) throw error;
      if (this.#input.signal?.aborted === true) throw error;
      return error.message;
    }
  }

  async #stream({
    name,
    prefix,
    entries,
  }: StreamPlace): Promise<{ readonly lines: number; readonly isTorn: boolean }> {
    const { bucket, coverage, keeper, signal } = this.#input;
    let end = 0;
    let isTorn = false;
    let covered: CoveredLines | undefined;
    const walk: PartWalk = {
      entries,
      onMissing: () => {
        isTorn = true;
      },
      linesOf: (entry) => coverage?.linesOf(entry),
    };
    for await (const part of walkParts(bucket, prefix, walk)) {
      signal?.throwIfAborted();
      end = part.endLine;
      if (part.body !== undefined) {
        await this.#searchPack(name, covered);
        covered = undefined;
        this.#searchPart(name, part);
        keeper?.add(this.#session.harness, part);
        continue;
      }
      const known = part.entry && coverage?.of(part.entry);
      if (known === undefined) throw new DamagedPackError('it was found damaged meanwhile');
      if (known.pack.isShared) this.#shared.cover({ ...part, stream: name, pack: known.pack });
      const isNext = covered?.pack === known.pack && covered.section === known.section;
      if (covered !== undefined && isNext && covered.end === part.startLine) covered.end = end;
      else {
        await this.#searchPack(name, covered);
        covered = { pack: known.pack, section: known.section, start: part.startLine, end };
      }
    }
    await this.#searchPack(name, covered);
    this.#lines += end;
    return { lines: end, isTorn };
  }

  #searchPart(stream: string, { body = Buffer.alloc(0), startLine }: WalkedPart): void {
    this.#scannedBytes += body.length;
    // Where there are no packs to agree with, an id need not be hashed.
    const ofRow = this.#input.coverage === undefined ? idOf : shortIdOf;
    for (const { line, bytes } of this.#input.matcher.prefilter.linesIn(body, this.#unseen)) {
      const row = rowIn(this.#session.harness, bytes.toString('utf8'));
      if (row !== undefined) this.#row(row, { stream, line: startLine + line, idOf: ofRow });
    }
  }

  async #searchPack(stream: string, lines: CoveredLines | undefined): Promise<void> {
    if (lines === undefined) return;
    this.#covered.push({ stream, lines });
    const places = await this.#input.packs.matches(lines);
    const wanted = places.filter((place) => isBlockInScope(place, this.#input.scope));
    for await (const rows of rowsAhead(lines.pack, wanted)) this.#searchRows(stream, lines, rows);
  }

  #searchRows(stream: string, lines: CoveredLines, rows: readonly PlacedRow[]): void {
    this.#input.signal?.throwIfAborted();
    for (const row of rows) {
      if (row.line < lines.start || row.line >= lines.end) continue;
      this.#row(row, { stream, line: row.line, idOf });
    }
  }

  /** Blocks with terms not yet seen were left out as long as no row could have all of them. */
  async #hasAllTerms(): Promise<boolean> {
    if (this.#input.matcher.isAny) return false;
    const places: {
      readonly stream: string;
      readonly lines: CoveredLines;
      readonly place: BlockPlace;
    }[] = [];
    for (const term of this.#unseen) {
      const before = places.length;
      for (const { stream, lines } of this.#covered) {
        const found = await this.#input.packs.holding(term, lines);
        places.push(...found.map((place) => ({ stream, lines, place })));
      }
      if (places.length === before) return false;
    }
    for (const { stream, lines, place } of places) {
      if (this.#unseen.size === 0) break;
      if (!isBlockInScope(place, this.#input.scope)) continue;
      this.#searchRows(stream, lines, await lines.pack.rows(place.block));
    }
    return this.#unseen.size === 0;
  }

  #row(row: SearchedRow, { stream, line, idOf }: RowPlace): void {
    const { matcher, scope, perSession } = this.#input;
    if (!isRowInScope(row, scope)) return;
    const found = matcher.find(row.text);
    for (const [index, one] of found.entries()) if (one !== undefined) this.#unseen.delete(index);
    const first = found.find((one) => one !== undefined);
    if (first === undefined || !matcher.isMatch(found)) return;
    if (this.#isRepeated(stream, idOf(row), row.text)) return;
    this.#count += 1;
    this.#unseen.clear();
    const { role, tool, atMs, text } = row;
    this.#hits.push({ stream, line, role, tool, atMs, text, found: first });
    if (this.#hits.length > 2 * perSession + 64) this.#keep(perSession);
  }

  /** A database's rows are recorded again whenever they change. */
  #isRepeated(stream: string, id: string | undefined, text: string): boolean {
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

function idOf({ id }: SearchedRow): string | undefined {
  return id;
}

function shortIdOf({ id }: SearchedRow): string | undefined {
  return id === undefined ? undefined : shortId(id);
}

function isRowInScope(row: SearchedRow, { sinceMs, untilMs, role, tool }: SearchScope): boolean {
  if (role !== undefined && row.role !== role) return false;
  if (tool !== undefined && row.tool?.toLowerCase() !== tool.toLowerCase()) return false;
  if (sinceMs === undefined && untilMs === undefined) return true;
  if (row.atMs === undefined) return false;
  return row.atMs >= (sinceMs ?? -Infinity) && row.atMs < (untilMs ?? Infinity);
}

/** Rows without a time are in no stretch of time. */
function isBlockInScope({ fromMs, toMs }: BlockPlace, { sinceMs, untilMs }: SearchScope): boolean {
  if (sinceMs === undefined && untilMs === undefined) return true;
  if (fromMs === null || toMs === null) return false;
  return toMs >= (sinceMs ?? -Infinity) && fromMs < (untilMs ?? Infinity);
}
