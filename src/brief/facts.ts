import type {
  CallEntry,
  CommandEntry,
  CompactionEntry,
  Conversation,
  Entry,
  PlanEntry,
  PromptEntry,
  Turn,
} from '../conversation/conversation.js';
import { fields, list, word } from '../conversation/fields.js';

/** What a conversation says about the work: for whoever goes on with it. */
export interface WorkFacts {
  readonly firstPrompt: PromptEntry | undefined;
  readonly lastPrompt: PromptEntry | undefined;
  /** Own prompts between these two, oldest first. */
  readonly otherPrompts: readonly PromptEntry[];
  /** Typed since the last prompt: a slash command may be the request that is still open. */
  readonly commands: readonly CommandEntry[];
  /** Of the last compaction that has one. */
  readonly summary: string | undefined;
  readonly plan: PlanEntry | undefined;
  /** Own turns, oldest first. */
  readonly turns: readonly Turn[];
  /** Written by calls, each once, the last one written last. */
  readonly files: readonly string[];
}

export function workFacts(conversation: Conversation): WorkFacts {
  const own = conversation.turns.filter(({ isAbandoned }) => !isAbandoned);
  const turns = own.filter(({ isInherited }) => !isInherited);
  const entries = own.flatMap((turn) => turn.entries);
  const prompts = ownPrompts(turns.length > 0 ? turns : own);
  const compaction = entries.findLast(
    (entry): entry is CompactionEntry => entry.kind === 'compaction' && entry.summary !== undefined,
  );
  const [firstPrompt] = ownPrompts(own);
  const lastPrompt = prompts.at(-1);
  return {
    firstPrompt,
    lastPrompt,
    otherPrompts: prompts.slice(0, -1).filter((prompt) => prompt !== firstPrompt),
    commands: entries
      .slice(lastPrompt === undefined ? 0 : entries.lastIndexOf(lastPrompt) + 1)
      .filter((entry): entry is CommandEntry => entry.kind === 'command'),
    summary: compaction?.summary,
    plan: entries.findLast((entry): entry is PlanEntry => entry.kind === 'plan'),
    turns,
    files: writtenFiles(entries),
  };
}

/** What a person or a program asked; in a sub-agent, what its caller did. */
function ownPrompts(turns: readonly Turn[]): readonly PromptEntry[] {
  const prompts = turns
    .flatMap(({ entries }) => entries)
    .filter((entry): entry is PromptEntry => entry.kind === 'prompt');
  const asked = prompts.filter(({ origin }) => origin === 'human' || origin === 'sdk');
  return asked.length > 0 ? asked : prompts;
}

const writes =
  /^(?:multi_?)?(?:edit|write|create|replace|patch|apply_?patch|str_?replace)|notebook_?edit/i;
const pathFields = ['file_path', 'filePath', 'path', 'notebook_path', 'filename', 'file'];
const patched = /^\*\*\* (?:Add|Update|Delete) File: (.+)$/gm;

function writtenFiles(entries: readonly Entry[]): readonly string[] {
  const files = new Set<string>();
  for (const entry of entries) {
    if (entry.kind !== 'call' || entry.result?.isError === true) continue;
    for (const file of filesOf(entry)) {
      // Later writes move it to the end.
      files.delete(file);
      files.add(file);
    }
  }
  return [...files];
}

export function isWrite({ tool }: CallEntry): boolean {
  return writes.test(tool);
}

function filesOf(entry: CallEntry): readonly string[] {
  if (!isWrite(entry)) return [];
  const { input } = entry;
  const row = fields(input);
  const text = typeof input === 'string' ? input : (word(row.input) ?? word(row.patch) ?? '');
  const inPatch = [...text.matchAll(patched)].map(([, file = '']) => file.trim());
  const named = pathFields.map((name) => word(row[name])).filter((one) => one !== undefined);
  const edits = list(row.edits).map((edit) => word(fields(edit).path));
  return [...inPatch, ...named.slice(0, 1), ...edits.filter((one) => one !== undefined)];
}
