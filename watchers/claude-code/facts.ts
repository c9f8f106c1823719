import type { SessionFacts } from '../../src/mirror/stream.js';
import { exactFact, longestFact, timeFact } from '../fact-text.js';
import { JsonFieldScan } from '../files/json-field-scan.js';

interface FactScope {
  /** Sub-agents have models of their own. */
  readonly isMain: boolean;
}

type Mutable = { -readonly [Name in keyof SessionFacts]: SessionFacts[Name] };

const names = [
  'type',
  'cwd',
  'version',
  'gitBranch',
  'timestamp',
  'isSidechain',
  'message.model',
  'forkedFrom.sessionId',
] as const;
const field = {
  type: 0,
  cwd: 1,
  version: 2,
  gitBranch: 3,
  timestamp: 4,
  isSidechain: 5,
  model: 6,
  forkedFrom: 7,
} as const satisfies Record<string, number>;

/** 500 characters, each written as an escaped surrogate pair. */
const longestFactBytes = longestFact * 12 + 2;
const headBytes = 1024;
const tailBytes = 1024;
/** How far to read the first rows, in which everything is still unknown. */
const wholeRowBytes = 1 << 20;

const bitsOfContext = (1 << field.version) | (1 << field.gitBranch);
const bitOfType = 1 << field.type;
const bitOfModel = 1 << field.model;

const skim = new JsonFieldScan(names);
const skimMeta = new JsonFieldScan(['agentType']);

/**
 * Folds one row into what is known about its session; returns `before` itself if nothing is new. Never throws, and
 * costs about as much for a row of a megabyte as for one of a kilobyte. `cwd`, `version` and `gitBranch` are at the
 * start of a row or, in other releases, at its end; the model is in `message`. The first `cwd` is the folder the
 * session was started in; for branch, version and model the last one counts. A session created by `/branch` or the
 * SDK's `forkSession` says so in `forkedFrom` on the rows it copied; rows that merely carry another `sessionId` name
 * their origin, not a parent.
 */
export function foldClaudeRow(line: Buffer, before: SessionFacts, scope: FactScope): SessionFacts {
  const isSettled = before.cwd !== undefined && before.startedAt !== undefined;
  if (isSettled) skim.forward(line, headBytes, saysEnough);
  else skim.forward(line, wholeRowBytes);
  if ((skim.found & bitsOfContext) !== bitsOfContext) skim.backward(tailBytes);
  const news: Mutable = {};
  if (!isSettled) addOrigin(news, before, scope);
  addContext(news, before, scope);
  return isEmpty(news) ? before : { ...before, ...news };
}

/**
 * Whether the start of a row has said all it can: a nested value matters only for an assistant's model, and whatever
 * comes after it is read from the row's end.
 */
function saysEnough(found: number, isNestedNext: boolean): boolean {
  if ((found & bitOfModel) !== 0) return true;
  const hasContext = (found & bitsOfContext) === bitsOfContext;
  const isTold = (found & bitOfType) !== 0 && (hasContext || isNestedNext);
  return isTold && !skim.is(field.type, 'assistant');
}

function addOrigin(news: Mutable, before: SessionFacts, scope: FactScope): void {
  const cwd = before.cwd === undefined ? exactText(field.cwd) : undefined;
  if (cwd !== undefined) news.cwd = cwd;
  const startedAt =
    before.startedAt === undefined ? timeFact(skim.text(field.timestamp, 64)) : undefined;
  if (startedAt !== undefined) news.startedAt = startedAt;
  const parent = scope.isMain ? exactText(field.forkedFrom) : undefined;
  if (parent !== undefined && parent !== before.parentSessionId) news.parentSessionId = parent;
}

function addContext(news: Mutable, before: SessionFacts, scope: FactScope): void {
  const gitBranch = changed(field.gitBranch, before.gitBranch);
  if (gitBranch !== undefined) news.gitBranch = gitBranch;
  const version = changed(field.version, before.harnessVersion);
  if (version !== undefined) news.harnessVersion = version;
  if (!scope.isMain || skim.isTrue(field.isSidechain)) return;
  const model = changed(field.model, before.model);
  if (model !== undefined && model !== '<synthetic>') news.model = model;
}

function changed(index: number, known: string | undefined): string | undefined {
  if (known !== undefined && skim.is(index, known)) return undefined;
  const text = exactText(index);
  return text === known ? undefined : text;
}

function exactText(index: number): string | undefined {
  return exactFact(skim.text(index, longestFactBytes));
}

function isEmpty(news: Mutable): boolean {
  for (const _name in news) return false;
  return true;
}

/** The kind of a sub-agent, from the notes next to its transcript. */
export function foldAgentMeta(line: Buffer, before: SessionFacts): SessionFacts {
  skimMeta.forward(line, longestFactBytes * 4);
  const agentType = exactFact(skimMeta.text(0, longestFactBytes));
  return agentType === undefined || agentType === before.agentType
    ? before
    : { ...before, agentType };
}
