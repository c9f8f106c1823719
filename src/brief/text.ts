/** Removes secrets and makes invisible characters visible; applied to whole texts, before any is cut. */
export type Clean = (text: string) => string;

/** Quoted as Markdown does: no line of it can pass for one of ours. */
export function quoted(text: string): string {
  return text
    .replace(/^(?:[^\S\n]*\n)+/u, '')
    .trimEnd()
    .split('\n')
    .map((line) => `> ${line}`.trimEnd())
    .join('\n');
}

export function singleLine(text: string): string {
  return text.replace(/\s+/gu, ' ').trim();
}

const mark = ' …';

/** At most so many bytes, whole characters, with a mark where something is missing. */
export function cutText(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const most = Math.max(0, Math.floor(bytes) - Buffer.byteLength(mark));
  const kept = Buffer.from(text)
    .subarray(0, most)
    .toString('utf8')
    .replace(/\uFFFD$/u, '');
  return `${kept}${mark}`;
}

/** With what lies below the folder named from there. */
export function relativeTo(folder: string | undefined, clean: Clean): Clean {
  if (folder === undefined || !/^(?:\/|[A-Za-z]:\\)./.test(folder)) return clean;
  const start = folder.replace(/[\\/]+$/, '');
  const separator = start.startsWith('/') ? '/' : '\\';
  return (text) => clean(text.replaceAll(`${start}${separator}`, ''));
}
