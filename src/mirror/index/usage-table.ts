import { head, headColumns } from './page-columns.js';
import { encodePage, parsePage, type UsagePage } from './usage-page.js';
import type { UsedRow } from './used-rows.js';

/** A page with those of its rows that count. */
export interface PlacedPage extends UsagePage {
  /** By row: 1 if the bucket has the session and no other row knows more about it. */
  readonly kept: Uint8Array;
}

/** More rows than a page can have. */
const rowsOfPage = 2 ** 24;

/** What every session of a bucket used, from the pages of all machines and from single documents. */
export class UsageTable {
  readonly #pages: PlacedPage[] = [];
  /** By harness and id: which page, and which of its rows. */
  readonly #places = new Map<string, Map<string, number>>();

  get pages(): readonly PlacedPage[] {
    return this.#pages;
  }

  /** Rows that are newer than what is known take their sessions' place. */
  add(page: UsagePage): void {
    const { ids, heads, harnesses } = page;
    const first = this.#pages.length * rowsOfPage;
    const kept = new Uint8Array(ids.length);
    this.#pages.push({ ...page, kept });
    const byHarness = harnesses.map((harness) => this.#placesOf(harness));
    const [columns, column] = [headColumns, head.harness];
    for (let row = 0; row < ids.length; row += 1) {
      const places = byHarness[heads[row * columns + column] ?? 0];
      const id = ids[row];
      if (places === undefined || id === undefined) continue;
      const before = places.get(id);
      if (before === undefined || this.#uploadedAt(before) <= this.#uploadedAt(first + row)) {
        places.set(id, first + row);
      }
    }
  }

  /** As they are in documents that were read one by one. */
  addRows(rows: readonly UsedRow[]): void {
    const page = parsePage(encodePage(rows));
    if (page === undefined) return;
    this.add(page);
    for (const { harness, session_id } of rows) this.keep(harness, session_id);
  }

  /** Says that the session is there; `false` if nothing is known about it. */
  keep(harness: string, id: string): boolean {
    const place = this.#places.get(harness)?.get(id);
    if (place === undefined) return false;
    const { kept } = this.#pages[Math.floor(place / rowsOfPage)] ?? {};
    if (kept !== undefined) kept[place % rowsOfPage] = 1;
    return true;
  }

  idsOf(harness: string): Iterable<string> {
    return this.#places.get(harness)?.keys() ?? [];
  }

  #placesOf(harness: string): Map<string, number> {
    const known = this.#places.get(harness) ?? new Map<string, number>();
    this.#places.set(harness, known);
    return known;
  }

  /** Milliseconds since the epoch; `-Infinity` if unknown. */
  #uploadedAt(place: number): number {
    const page = this.#pages[Math.floor(place / rowsOfPage)];
    const at = page?.heads[(place % rowsOfPage) * headColumns + head.uploadedAt] ?? Number.NaN;
    return Number.isNaN(at) || page === undefined ? Number.NEGATIVE_INFINITY : page.sinceMs + at;
  }
}
