import type { FilterState } from './filters.js';

/** The user's position in the page. */
export interface ViewLocation {
  readonly entry: number | undefined;
  readonly view: 'lanes' | 'table';
  readonly stream: number | undefined;
  readonly line: number;
  /** The stream is shown row by row. */
  readonly isRows: boolean;
}

interface Remembered {
  readonly place: ViewLocation;
  readonly filters: FilterState;
}

let timer: ReturnType<typeof setTimeout> | undefined;

/**
 * Kept in the URL's fragment: it survives a reload, can be bookmarked, and is never sent anywhere.
 * Slightly delayed, because browsers are slow at it in a large page.
 */
export function writeLocation(remembered: Remembered): void {
  clearTimeout(timer);
  timer = setTimeout(() => {
    history.replaceState(null, '', `#${encodeURIComponent(JSON.stringify(remembered))}`);
  }, 300);
}

/** `undefined` for a fragment that is not ours. */
export function readLocation(): Remembered | undefined {
  if (location.hash.length < 2) return undefined;
  try {
    const { place, filters } = JSON.parse(decodeURIComponent(location.hash.slice(1))) as Remembered;
    const number = (value: unknown) => (Number.isSafeInteger(value) ? Number(value) : undefined);
    const list = (value: unknown) => (Array.isArray(value) ? value.map(String) : undefined);
    return {
      place: {
        entry: number(place.entry),
        view: place.view === 'table' ? 'table' : 'lanes',
        stream: number(place.stream),
        line: number(place.line) ?? 0,
        isRows: place.isRows === true,
      },
      filters: {
        query: String(filters.query ?? ''),
        agents: list(filters.agents),
        types: list(filters.types),
        steps: list(filters.steps),
      },
    };
  } catch {
    return undefined;
  }
}
