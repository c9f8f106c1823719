import type { SessionFacts } from '../../src/mirror/stream.js';
import { exactFact, longestFact, timeFact, titleFact } from '../fact-text.js';
import { JsonFieldScan } from '../files/json-field-scan.js';

export interface FactScope {
  /** Sub-agents have models of their own, and no title. */
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
  'customTitle',
  'aiTitle',
  'summary',
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
  customTitle: 7,
  aiTitle: 8,
  summary: 9,
  forkedFrom: 10,
} as const satisfies Record<string, number>;

/** Higher ranks win: the user's title, one the harness made up, the older summary row. */
const titleRows = [
  { type: 'summary', field: field.summary, rank: 1 },
  { type: 'ai-title', field: field.aiTitle, rank: 2 },
  { type: 'custom-title', field: field.customTitle, rank: 3 },
] as const;

/** 500 characters, each written as an escaped surrogate pair. */
const longestFactBytes = longestFact * 12 + 2;
const headBytes = 1024;
const tailBytes = 1024;
/** How far to read the first rows, in which everything is still unknown, and rows that hold a title. */
const wholeRowBytes = 1 << 20;
const titleRowBytes = 64 * 1024;

const bitsOfContext = (1 << field.version) | (1 << field.gitBranch);
const bitOfType = 1 << field.type;
const bitOfModel = 1 << field.model;

const skim = new JsonFieldScan(names);

/**
 * Folds one row into what is known about its session; returns `before` itself if nothing is new. Never throws, and
 * costs about as much for a row of a megabyte as for one of a kilobyte. `cwd`, `version` and `gitBranch` are at the
 * start of a row or, in other releases, at its end; the model is in `message`; titles have small rows of their own.
 * The first `cwd` is the folder the session was started in; of branch, version and model the last one counts. A
 * session created by `/branch` or the SDK's `forkSession` says so in `forkedFrom` on the rows it copied; rows that
 * merely carry another `sessionId` name their origin, not a parent.
 */
export function foldClaudeRow(line: Buffer, before: SessionFacts, scope: FactScope): SessionFacts {
  const isSettled = before.cwd !== undefined && before.startedAt !== undefined;
  if (isSettled) skim.forward(line, headBytes, saysEnough);
  else skim.forward(line, wholeRowBytes);
  if ((skim.found & bitsOfContext) !== bitsOfContext) skim.backward(tailBytes);
  const news: Mutable = {};
  if (!isSettled) addOrigin(news, before, scope);
  addContext(news, before, scope);
  if (scope.isMain) addTitle(news, before, line);
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

function addTitle(news: Mutable, before: SessionFacts, line: Buffer): void {
  const row = titleRows.find(({ type }) => skim.is(field.type, type));
  if (row === undefined || row.rank < (before.titleRank ?? 0)) return;
  skim.forward(line, titleRowBytes);
  const title = titleFact(skim.text(row.field, titleRowBytes) ?? '');
  if (title === '' || (title === before.title && row.rank === before.titleRank)) return;
  news.title = title;
  news.titleRank = row.rank;
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
