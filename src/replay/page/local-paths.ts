/** What may stand before a path or a name in a line of JSON: no word, or an escape such as `\n` or `\u001b[0m`. */
const before = '(?<=^|[^\\p{L}\\p{N}_.-]|\\\\[nrtbf]|\\\\u[0-9a-f]{4}(?:\\[[0-9;]*m)?)';
/** Home folders as they appear in JSON, where a path's backslashes are doubled. */
const homes = new RegExp(
  `${before}(?:\\/(?:home|Users)\\/[^/\\\\"'\`\\s:;,<>|]+|\\/root(?=[/"'\`\\s])|[A-Za-z]:(?:\\\\{1,4}|\\/)Users(?:\\\\{1,4}|\\/)[^/\\\\"'\`\\s:;,<>|]+)`,
  'gu',
);
/** Claude Code names a project's folder after its path. */
const dashedHomes = /(?<=[/\\"])-(?:home|Users)-[^-/\\"\s]+/g;
/** A home folder, and whose it is. */
const homeOf = /^(?:\/(?:home|Users)\/|[A-Za-z]:[\\/]+Users[\\/]+)([^/\\]+)/;

/**
 * Makes text safe to send to others, by removing the machine's paths and the names of its users and of itself.
 */
export type PathFilter = (text: string) => string;

export const keepPaths: PathFilter = (text) => text;

/** Names by which machines and their users can be recognised. */
export interface LocalNames {
  readonly users: readonly string[];
  readonly hosts: readonly string[];
}

/** What sessions tell of where they ran. */
interface Whereabouts {
  readonly host?: string | null | undefined;
  readonly cwd?: string | null | undefined;
  readonly source_path?: string | null | undefined;
}

/** Too short, or of too little meaning, to tell anything about a machine; many of them are words of every transcript. */
const tellsNothing = new Set(
  `admin administrator agent app assistant build bot cache ci code codespace command computer container content
  coder data default dev developer docker error event file function git guest home host input item job line linux
  local localhost localdomain machine main message meta model name node null object output path plan project prompt
  public python result role root run runner runneradmin server session shared status step string summary system task
  temp test text thinking title tmp tool true type ubuntu unknown user users value vagrant version vscode window
  windows work worker workspace www`.split(/\s+/),
);
const shortestName = 3;

/** The names in what is known about sessions and agents, but for those that any machine could have. */
export function localNames(places: Iterable<Whereabouts>): LocalNames {
  const users = new Set<string>();
  const hosts = new Set<string>();
  for (const { host, cwd, source_path: source } of places) {
    for (const path of [cwd, source]) {
      const [, user = ''] = homeOf.exec(path ?? '') ?? [];
      if (isTelling(user)) users.add(user);
    }
    // A machine is called by its first name, too.
    for (const name of [host ?? '', (host ?? '').split('.', 1)[0] ?? '']) {
      if (isTelling(name)) hosts.add(name);
    }
  }
  return { users: [...users], hosts: [...hosts] };
}

function isTelling(name: string): boolean {
  return name.length >= shortestName && !tellsNothing.has(name.toLowerCase());
}

const nobody: LocalNames = { users: [], hosts: [] };

/** `folder`: where the session worked; only its last segment is kept. */
export function withoutLocalPaths(
  folder: string | null,
  { users, hosts }: LocalNames = nobody,
): PathFilter {
  const isDeep = folder !== null && /[/\\][^/\\]+[/\\][^/\\]+/.test(folder);
  const spelled = isDeep ? JSON.stringify(folder).slice(1, -1) : undefined;
  const short = `…/${folderName(folder) ?? ''}`;
  const [ofUsers, ofHosts] = [wordsOf(users), wordsOf(hosts)];
  return (text) => {
    const nearer = spelled === undefined ? text : text.replaceAll(spelled, () => short);
    const homeless = nearer.replace(homes, '~').replace(dashedHomes, '-~');
    const nameless = ofHosts === undefined ? homeless : homeless.replace(ofHosts, 'host');
    return ofUsers === undefined ? nameless : nameless.replace(ofUsers, 'user');
  };
}

/** Any of these as a word of its own, but not as the name of a field. */
function wordsOf(names: readonly string[]): RegExp | undefined {
  if (names.length === 0) return undefined;
  const longestFirst = [...names].sort((left, right) => right.length - left.length);
  const spelled = longestFirst.map((name) =>
    JSON.stringify(name)
      .slice(1, -1)
      .replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'),
  );
  return new RegExp(`${before}(?:${spelled.join('|')})(?![\\p{L}\\p{N}_]|\\\\*":)`, 'gu');
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
