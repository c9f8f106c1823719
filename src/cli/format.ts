/** Figures for people. Hand-written, because `Intl` costs a short command more than all its work. */

/** `12138` as `12,138`. */
export function formatCount(count: number): string {
  return String(Math.trunc(count)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 stream`, `12,138 streams`. */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** Bytes to three significant digits in units of 1024: `0 B`, `11.9 KiB`, `300 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit] ?? ''}`;
}

/** A text of several lines as one, for a cell or a message. */
export function onOneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' · ');
}

/** Milliseconds in the two largest units: `850ms`, `42s`, `3m 5s`, `2h 10m`, `4d 1h`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))}ms`;
  const seconds = Math.round(ms / 1000);
  const parts = [
    [Math.trunc(seconds / 86_400), 'd'],
    [Math.trunc(seconds / 3600) % 24, 'h'],
    [Math.trunc(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([value]) => value > 0);
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value}${unit}`)
    .join(' ');
}

/** ISO 8601 UTC, to the second. */
export function formatTime(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

const minuteMs = 60_000;
const ageUnits = [
  [365 * 24 * 60, 'y'],
  [7 * 24 * 60, 'w'],
  [24 * 60, 'd'],
  [60, 'h'],
  [1, 'm'],
] as const;

/** `2h ago`; less than a minute is `now`. */
export function formatAge(ms: number): string {
  const minutes = Math.floor(ms / minuteMs);
  const unit = ageUnits.find(([size]) => minutes >= size);
  return unit === undefined ? 'now' : `${Math.floor(minutes / unit[0])}${unit[1]} ago`;
}
