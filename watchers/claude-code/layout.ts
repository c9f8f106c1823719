import { copySuffix } from '../files/conflict-copies.js';

/**
 * Which paths below a `projects` folder are transcripts, and of which session. Claude Code keeps `<project>/<session
 * id>.jsonl`, and next to it, in a folder named after the session, `subagents/` (nested where workflows ran) and
 * `tool-results/`; releases 2.0 put sub-agents next to the session instead
 * (https://code.claude.com/docs/en/sessions).
 */
export type TranscriptPath =
  | { readonly kind: 'main'; readonly sessionId: string }
  | { readonly kind: 'sub-agent'; readonly sessionId: string; readonly name: string }
  /** The notes on a sub-agent next to its transcript. */
  | { readonly kind: 'agent-meta'; readonly sessionId: string; readonly name: string }
  /** A sub-agent next to the sessions: its rows name its session. */
  | { readonly kind: 'stray-agent'; readonly name: string }
  | { readonly kind: 'tool-results'; readonly sessionId: string };

export const subagentsFolder = 'subagents';
export const toolResultsFolder = 'tool-results';
export const toolResultSuffix = '.txt';

const transcriptSuffix = '.jsonl';
const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
/**
 * Claude Code's own ids are UUIDs; wrappers and importers write others. A digit tells an id from `notes` and `journal`, and
 * what only starts with a UUID is a copy of that session's transcript.
 */
const id = new RegExp(`^(?:${uuid}|(?!agent-|${uuid})(?=\\D*\\d)[a-z0-9][a-z0-9_-]{7,127})$`, 'i');
const maxDepth = 16;
/** Another source of its session. */
const conflictCopy = new RegExp(`^(${uuid.replaceAll('a-f', 'a-fA-F')})${copySuffix}$`, 's');

export function isSessionId(text: string): boolean {
  return id.test(text);
}

/**
 * Whether sessions started in this folder are kept in the project folder of this name; another folder
 * may map to the same one. Some releases replaced only the slashes of a path.
 */
export function isProjectOf(name: string, folder: string): boolean {
  return dashed(name) === dashed(folder);
}

function dashed(path: string): string {
  return path.replace(/[^A-Za-z0-9]/g, '-');
}

/** Whether anything below a folder of this name can be a transcript. `memory` holds notes, which belong to no session. */
export function isFolderOfInterest(name: string): boolean {
  return !name.startsWith('.') && name !== 'memory';
}

/** What a file is, by its path below the root, folder by folder; `undefined` if it belongs to no session. */
export function transcriptPathOf(path: readonly string[]): TranscriptPath | undefined {
  const [project, ...rest] = path;
  if (project === undefined || project.startsWith('.') || path.length > maxDepth) return undefined;
  if (rest.some((name) => !isFolderOfInterest(name))) return undefined;
  const [first = '', second, ...below] = rest;
  if (second === undefined) return besideSessions(first);
  if (!isSessionId(first)) return undefined;
  if (second === toolResultsFolder) return toolResults(first, below);
  if (second !== subagentsFolder) return undefined;
  const file = below.at(-1) ?? '';
  const nameOf = (leaf: string): string => [second, ...below.slice(0, -1), leaf].join('/');
  const leaf = agentStem(file);
  if (leaf !== undefined) return { kind: 'sub-agent', sessionId: first, name: nameOf(leaf) };
  const noted = /^(agent-.+\.meta)\.json$/s.exec(file)?.[1];
  if (noted === undefined) return undefined;
  return { kind: 'agent-meta', sessionId: first, name: nameOf(noted) };
}

function besideSessions(file: string): TranscriptPath | undefined {
  if (!file.endsWith(transcriptSuffix)) return undefined;
  const stem = file.slice(0, -transcriptSuffix.length);
  if (isSessionId(stem)) return { kind: 'main', sessionId: stem };
  const copied = conflictCopy.exec(stem)?.[1];
  if (copied !== undefined) return { kind: 'main', sessionId: copied };
  const agent = agentStem(file);
  return agent === undefined
    ? undefined
    : { kind: 'stray-agent', name: `${subagentsFolder}/${agent}` };
}

function toolResults(sessionId: string, below: readonly string[]): TranscriptPath | undefined {
  const [file, ...deeper] = below;
  if (deeper.length > 0) return undefined;
  const isResult = file === undefined || isToolResult(file);
  return isResult ? { kind: 'tool-results', sessionId } : undefined;
}

export function isToolResult(file: string): boolean {
  return file.endsWith(toolResultSuffix) && file.length > toolResultSuffix.length;
}

/** `agent-x` of `agent-x.jsonl`; `journal.jsonl` and backups are not transcripts. */
function agentStem(file: string): string | undefined {
  return /^(agent-.+)\.jsonl$/s.exec(file)?.[1];
}
