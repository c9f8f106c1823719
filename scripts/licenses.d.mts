export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly notices: readonly string[];
}

export function packagesOf(ids: Iterable<string>): Promise<readonly BundledPackage[]>;
export function licenseText(packages: readonly BundledPackage[]): string;
