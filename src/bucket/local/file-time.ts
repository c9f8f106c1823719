const latestMs = Date.parse('9999-12-31T23:59:59.999Z');

/** When a file was written. Anybody may have set that to a time that no `Date` can hold. */
export function fileTime({ mtimeMs }: { readonly mtimeMs: number }): Date {
  if (!Number.isFinite(mtimeMs)) return new Date(0);
  return new Date(Math.min(latestMs, Math.max(0, Math.round(mtimeMs))));
}
