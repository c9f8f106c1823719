// Imports nothing, like the package's other declarations.

/** Values that all agents of the project share; each change is a new version. */
export interface Memories {
  /** `undefined` if there is none, or it was deleted. */
  get(key: string): Promise<Memory | undefined>;
  set(key: string, value: unknown, condition?: MemoryCondition): Promise<MemoryAnswer>;
  /** `NotFoundError` if there is none. */
  delete(key: string, condition?: Pick<MemoryCondition, 'ifVersion'>): Promise<MemoryAnswer>;
  list(prefix?: string): Promise<readonly Memory[]>;
}

export interface MemoryCondition {
  /** Only if there is no value. */
  readonly ifAbsent?: boolean | undefined;
  /** Only if this is the current version; 0: if there never was one. */
  readonly ifVersion?: number | undefined;
}

export interface Memory {
  readonly key: string;
  /** Any JSON. */
  readonly value: unknown;
  readonly version: number;
  readonly setBy: string | null;
  /** ISO 8601, by the store's clock. */
  readonly setAt: string | null;
  readonly isDeleted: boolean;
}

export type MemoryAnswer =
  | { readonly written: true; readonly memory: Memory }
  /** What is stored instead; `undefined` if there never was a value. */
  | { readonly written: false; readonly present: Memory | undefined };
