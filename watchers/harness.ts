/** What the rest of the house may know of a harness without looking at this machine: no I/O and no packages. */
export interface HarnessDescription {
  /** As it stands in keys. */
  readonly name: string;
  /** As its makers write it. */
  readonly title: string;
  /** In a shell that it starts, these name its session; the first one that is set counts. */
  readonly sessionVariables: readonly string[];
  /** With these its user moves the folder of its sessions; the first one that is set counts. */
  readonly folderVariables: readonly string[];
  /** Whether such a variable may name several folders, separated by commas. */
  readonly takesFolderList?: boolean;
  /** Its hook events at which it shows the agent what a hook prints; none: `setup` has no --mail for it. */
  readonly mailEvents: readonly string[];
  /**
   * What viewers of agent traces make of its transcript: they open it as it is (`native`), or as Pi's once its header names
   * the harness (`named`). Any other has to be rewritten for them.
   */
  readonly trace?: 'native' | 'named';
}
