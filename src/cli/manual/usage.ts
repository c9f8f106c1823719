import type { CommandFlag, CommandManual } from './commands.js';

/** `tracecraft claim STEP [flags]` */
export function usageOf({ name, args, isVariadic }: CommandManual): string {
  const labels = args.map(({ label, isRequired }, index) => {
    const shown = isVariadic && index === args.length - 1 ? `${label}...` : label;
    return isRequired ? shown : `[${shown}]`;
  });
  return ['tracecraft', name, ...labels, '[flags]'].join(' ');
}

/** `-n, --lines=N` */
export function flagText({ char, name, value }: CommandFlag): string {
  const long = `--${name}${value === undefined ? '' : `=${value.label}`}`;
  return char === undefined ? long : `-${char}, ${long}`;
}

/** What the flag does, and its default. */
export function flagSummary(flag: CommandFlag): string {
  const more = [
    ...(flag.isRequired ? ['required'] : []),
    ...(flag.default === undefined ? [] : [`default ${flag.default}`]),
  ];
  return more.length === 0 ? flag.summary : `${flag.summary} (${more.join(', ')})`;
}

export function ownFlags({ flags }: CommandManual): readonly CommandFlag[] {
  return flags.filter(({ isGlobal }) => !isGlobal);
}

/** Flags every command has, taken from any of them. */
export function globalFlags([first]: readonly CommandManual[]): readonly CommandFlag[] {
  return first?.flags.filter(({ isGlobal }) => isGlobal) ?? [];
}
