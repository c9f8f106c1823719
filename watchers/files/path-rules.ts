/** One kind of file below a root. */
export interface PathRule<Kind extends string> {
  readonly kind: Kind;
  /**
   * A regular expression for each folder and for the file, with slashes between them and nowhere else. The group `session`
   * is the session's id.
   */
  readonly path: string;
  /** The stream's name, in which `$<group>` stands for what a group matched; '' is the main stream. */
  readonly name: string;
}

export interface FilePlace<Kind extends string> {
  readonly kind: Kind;
  /** `undefined` if only the file itself tells. */
  readonly sessionId: string | undefined;
  readonly name: string;
}

/** Source of a regular expression. */
export const uuid = '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}';

const wholeUuid = new RegExp(`^${uuid}$`);

export function isUuid(text: string | undefined): text is string {
  return text !== undefined && wholeUuid.test(text);
}

interface Rule<Kind extends string> extends PathRule<Kind> {
  readonly segments: readonly RegExp[];
  readonly whole: RegExp;
}

/** An allow-list of paths below a root: what no rule describes is neither opened nor watched. The first that fits counts. */
export class PathRules<Kind extends string> {
  readonly #rules: readonly Rule<Kind>[];

  constructor(rules: readonly PathRule<Kind>[]) {
    this.#rules = rules.map((rule) => ({
      ...rule,
      segments: rule.path.split('/').map((segment) => new RegExp(`^${segment}$`, 's')),
      whole: new RegExp(`^${rule.path}$`, 's'),
    }));
  }

  /** Whether a folder leads to files of a rule. */
  isFolder(path: readonly string[]): boolean {
    return this.#rules.some(
      ({ segments }) =>
        path.length < segments.length && path.every((name, index) => segments[index]?.test(name)),
    );
  }

  placeOf(path: readonly string[]): FilePlace<Kind> | undefined {
    const text = path.join('/');
    for (const { kind, segments, whole, name } of this.#rules) {
      if (segments.length !== path.length) continue;
      const found = whole.exec(text);
      if (found === null) continue;
      return { kind, sessionId: found.groups?.session, name: text.replace(whole, name) };
    }
    return undefined;
  }
}
