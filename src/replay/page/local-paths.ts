/** Home folders as they appear in JSON, where a path's backslashes are doubled. */
const homes =
  /(?<![\w.-])(?:\/(?:home|Users)\/[^/\\"'`\s:;,<>|]+|\/root(?=[/"'`\s])|[A-Za-z]:(?:\\{1,4}|\/)Users(?:\\{1,4}|\/)[^/\\"'`\s:;,<>|]+)/g;
/** Claude Code names a project's folder after its path. */
const dashedHomes = /(?<=[/\\"])-(?:home|Users)-[^-/\\"\s]+/g;

/**
 * Makes text safe to send to others, by removing the machine's paths and with them its users'
 * names.
 */
export type PathFilter = (text: string) => string;

export const keepPaths: PathFilter = (text) => text;

/** `folder`: where the session worked; only its last segment is kept. */
export function withoutLocalPaths(folder: string | null): PathFilter {
  const isDeep = folder !== null && /[/\\][^/\\]+[/\\][^/\\]+/.test(folder);
  const spelled = isDeep ? JSON.stringify(folder).slice(1, -1) : undefined;
  const short = `…/${folderName(folder) ?? ''}`;
  return (text) => {
    const nearer = spelled === undefined ? text : text.replaceAll(spelled, () => short);
    return nearer.replace(homes, '~').replace(dashedHomes, '-~');
  };
}

/** The last segment of a path. */
export function folderName(path: string | null): string | null {
  const name = path
    ?.split(/[/\\]/)
    .filter((part) => part !== '')
    .at(-1);
  return name ?? null;
}

export function mailedLine(line: Buffer, mailed: PathFilter, text = line.toString('utf8')): Buffer {
  const shown = mailed(text);
  return shown === text ? line : Buffer.from(shown);
}
