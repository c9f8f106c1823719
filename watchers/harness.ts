/** What the rest of the code may know about a harness without looking at this machine: no I/O and no packages. */
export interface HarnessDescription {
  /** As spelled in keys. */
  readonly name: string;
  /** As its makers spell it. */
  readonly title: string;
  /** Variables that name its session in a shell it starts; the first one set counts. */
  readonly sessionVariables: readonly string[];
  /** Variables with which users move the folder of its sessions; the first one set counts. */
  readonly folderVariables: readonly string[];
  /** Variables in which it is given keys. */
  readonly secretVariables?: readonly string[];
  /** Whether such a variable may name several folders, separated by commas. */
  readonly takesFolderList?: boolean;
  /** Hook events at which it shows the agent what a hook prints; if empty, `setup` has no --mail for it. */
  readonly mailEvents: readonly string[];
  /**
   * How viewers of agent traces can open its transcript: directly (`native`), or as Pi's once its header names the
   * harness (`named`). Any other has to be rewritten for them.
   */
  readonly trace?: 'native' | 'named';
}
