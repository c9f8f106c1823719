import { UsageError } from '../src/errors.js';
import { claudeCode } from './claude-code/description.js';
import { codex } from './codex/description.js';
import { copilot } from './copilot/description.js';
import { geminiCli } from './gemini-cli/description.js';
import type { HarnessDescription } from './harness.js';
import { hermes } from './hermes/description.js';
import { kimiCode } from './kimi-code/description.js';
import { openClaw } from './openclaw/description.js';
import { openCode } from './opencode/description.js';
import { pi } from './pi/description.js';
import { qwenCode } from './qwen-code/description.js';

/** Every harness, in listing order. */
const all = [
  claudeCode,
  codex,
  hermes,
  openClaw,
  pi,
  qwenCode,
  copilot,
  kimiCode,
  geminiCli,
  openCode,
] as const;

export const harnesses: readonly HarnessDescription[] = all;
export type HarnessName = (typeof all)[number]['name'];
export const harnessNames: readonly HarnessName[] = all.map(({ name }) => name);

/** The harnesses that the help shows in its examples. */
export const exampleHarnesses = [claudeCode.name, codex.name, hermes.name] as const;

/** The variables in which they are given keys. */
export const secretVariables: ReadonlySet<string> = new Set(
  all.flatMap((one: HarnessDescription) => one.secretVariables ?? []),
);

/** The variables that name their folders, which a service therefore has to carry along. */
export const folderVariables: readonly string[] = harnesses.flatMap((one) => one.folderVariables);

/** The harness of that name, or a `UsageError` that lists the known ones. */
export function requireHarness(name: string): HarnessDescription & { readonly name: HarnessName } {
  const found = all.find((one) => one.name === name);
  if (found !== undefined) return found;
  const meant = name === '' ? undefined : harnessNames.find((one) => one.startsWith(name));
  throw new UsageError(`not a harness: ${JSON.stringify(name.slice(0, 80))}`, {
    hint:
      meant === undefined
        ? `Use one of ${harnessNames.join(', ')}.`
        : `Did you mean ${meant}? There are ${harnessNames.join(', ')}.`,
  });
}

/** `Claude Code, Codex and Hermes`. */
export function harnessTitles(which = harnesses): string {
  const titles = which.map(({ title }) => title);
  const last = titles.pop() ?? '';
  return titles.length === 0 ? last : `${titles.join(', ')} and ${last}`;
}
