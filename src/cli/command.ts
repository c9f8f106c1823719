import { boolean } from '@oclif/core/flags';
import type { ArgInput, FlagInput, Input, ParserOutput } from '@oclif/core/interfaces';
import { parse } from '@oclif/core/parser';

type Values = Record<string, unknown>;

/** Where this program is installed: the folder that holds package.json and `bin`. */
export interface Installation {
  readonly root: string;
}

/**
 * What oclif's own `Command` is to a command: what its help, its manifest and its parser look at. Extending oclif's
 * would load its config, its help and its output with every start, which is a fifth of what a short command costs.
 */
export abstract class Command {
  static summary: string | undefined;
  static description: string | undefined;
  static examples: readonly (string | { description: string; command: string })[] | undefined;
  static usage: string | readonly string[] | undefined;
  static hidden: boolean | undefined;
  static args: ArgInput = {};
  static flags: FlagInput = {};
  static baseFlags: FlagInput = {};
  /** Whether more arguments than `args` names are refused. */
  static strict = true;
  static enableJsonFlag = true;

  constructor(
    /** Without the words that name the command. */
    readonly argv: readonly string[],
    protected readonly installation: Installation,
  ) {}

  /** Both `main` and oclif, which is asked for whatever is not simply a command, start commands with this. */
  static async run(
    this: new (
      argv: readonly string[],
      installation: Installation,
    ) => Command,
    argv: readonly string[],
    installation: Installation,
  ): Promise<void> {
    await new this(argv, installation).fromStartToEnd();
  }

  abstract run(): Promise<object>;

  protected abstract begin(): void;
  protected abstract reply(data: object): void;
  protected abstract end(): Promise<void>;

  private async fromStartToEnd(): Promise<void> {
    let data: object;
    try {
      this.begin();
      data = await this.run();
    } finally {
      await this.end();
    }
    this.reply(data);
  }

  /** The flags and arguments of this command line. Throws oclif's errors, which `describeFailure` knows. */
  protected async parse<F extends Values, B extends Values, A extends Values>(
    options: Input<F, B, A>,
  ): Promise<ParserOutput<F, B, A>> {
    // Otherwise a missing argument would be read from stdin, which may hold the next line of the caller's loop.
    for (const arg of Object.values(options.args ?? {})) Object.assign(arg, { ignoreStdin: true });
    const flags = { json: jsonFlag, ...options.baseFlags, ...options.flags };
    return await parse([...this.argv], { ...options, flags });
  }

  /** Ends the command with this code, showing nothing more. */
  protected exit(code: number): never {
    throw new Exit(code);
  }
}

const jsonFlag = boolean({ description: 'Format output as json.', helpGroup: 'GLOBAL' });

/** In the shape of oclif's own, which commands run by oclif may throw as well. */
class Exit extends Error {
  readonly code = 'EEXIT';
  readonly oclif: { readonly exit: number };

  constructor(code: number) {
    super(`EEXIT: ${code}`);
    this.oclif = { exit: code };
  }
}
