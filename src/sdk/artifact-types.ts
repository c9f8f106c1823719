// Imports nothing, like the package's other declarations.

/** Files that agents produce. */
export interface Artifacts {
  /** A file of any size, replacing one of the same name. Shared, unless a step is named. */
  upload(path: string, options?: UploadOptions): Promise<Artifact>;
  /** Into `folder` under its own name, checked against the SHA-256 of its upload. Resolves to the path. */
  download(name: string, options: DownloadOptions): Promise<string>;
  list(step?: string): Promise<readonly Artifact[]>;
}

export interface UploadOptions {
  readonly step?: string | undefined;
  /** Its name in the bucket; `/` makes folders. Default: the file's own name. */
  readonly name?: string | undefined;
}

export interface DownloadOptions {
  readonly folder: string;
  /** Default: a shared one, or `STEP/NAME`. */
  readonly step?: string | undefined;
  /** Replaces an existing file. */
  readonly force?: boolean | undefined;
}

export interface Artifact {
  readonly step: string;
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex; `null` if nothing was recorded about it. */
  readonly sha256: string | null;
}
