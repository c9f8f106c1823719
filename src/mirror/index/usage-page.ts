import * as v from 'valibot';
import {
  mapUsage,
  promptLengths,
  quarterMs,
  spans,
  type UsageSlot,
  usageCounters,
} from '../../protocol/usage.js';
import { Numbered } from './numbered.js';
import { farthestMs, head, headColumns, slot, slotColumns } from './page-columns.js';
import { type IsRow, type Numbers, PageRows, scanRows } from './page-rows.js';
import type { UsedRow } from './used-rows.js';

/**
 * What many sessions used, in columns: a report reads a hundred thousand slots, and an object for each would take longer than
 * to fetch them. Texts stand in lists of the page; a number in a column says which.
 */
export interface UsagePage {
  readonly sinceMs: number;
  readonly harnesses: readonly string[];
  readonly agents: readonly (string | null)[];
  readonly hosts: readonly (string | null)[];
  readonly folders: readonly (string | null)[];
  readonly models: readonly SlotModel[];
  /** One for each row. */
  readonly ids: readonly string[];
  /** `headColumns` numbers for each row; `NaN` for what is not known. */
  readonly heads: Float64Array;
  /** `slotColumns` numbers for each slot, row after row. */
  readonly slots: Numbers;
  /** The first slot of each row, and the end of the last one's. */
  readonly firstSlots: Int32Array;
}
/** What slots have in common besides the time. */
export type SlotModel = Pick<UsageSlot, 'model' | 'longerThan' | 'span'>;

// Of this module: those of another are asked for through a function each time, until V8 has compiled the loops.
const columnsOfSlot = slotColumns;
const farthestQuarter = farthestMs / quarterMs;
const {
  quarter: quarterColumn,
  model: modelColumn,
  counters: counterColumn,
  print: printColumn,
} = slot;

const names = v.array(v.string());
const namesOrNull = v.array(v.nullable(v.string()));
const pageSchema = v.object({
  v: v.literal(1),
  since: v.pipe(v.string(), v.isoTimestamp()),
  harnesses: names,
  agents: namesOrNull,
  hosts: namesOrNull,
  folders: namesOrNull,
  models: v.array(
    v.object({
      model: v.string(),
      longer_than: v.picklist(promptLengths),
      span: v.picklist(spans),
    }),
  ),
});
type Head = v.InferOutput<typeof pageSchema>;

const rowsBegin = Buffer.from('"sessions":[\n');

/** `undefined` for what is no page. A row that is none is left out: its session's `meta.json` is then read instead. */
export function parsePage(body: Buffer): UsagePage | undefined {
  const at = body.indexOf(rowsBegin);
  const plain = at === -1 ? undefined : headIn(`${body.toString('utf8', 0, at)}"sessions":[]}`);
  if (plain !== undefined) {
    const rows = new PageRows(Math.ceil(body.length / 200), body.length >> 2);
    const isRow = rowCheck(plain.head, rows);
    if (scanRows(body, at + rowsBegin.length, rows, isRow)) return pageOf(plain.head, rows);
  }
  const whole = headIn(body.toString('utf8'));
  return whole === undefined ? undefined : pageOf(whole.head, parsedRows(whole));
}

interface Parsed {
  readonly head: Head;
  readonly sessions: readonly unknown[];
}

function headIn(text: string): Parsed | undefined {
  try {
    const json: unknown = JSON.parse(text);
    const result = v.safeParse(pageSchema, json);
    const { sessions } = Object(json);
    return result.success && Array.isArray(sessions)
      ? { head: result.output, sessions }
      : undefined;
  } catch {
    return undefined;
  }
}

/** `[id, …headColumns numbers, …slotColumns numbers for each slot]` each. */
function parsedRows({ head: lists, sessions }: Parsed): PageRows {
  const rows = new PageRows(sessions.length, sessions.length * slotColumns);
  const isRow = rowCheck(lists, rows);
  for (const row of sessions) {
    if (!Array.isArray(row)) continue;
    const [id, ...numbers]: readonly unknown[] = row;
    if (typeof id !== 'string') continue;
    for (const [at, value] of numbers.entries()) {
      rows.put(at, typeof value === 'number' ? value : Number.NaN);
    }
    rows.end(id, numbers.length, isRow);
  }
  return rows;
}

function pageOf({ since, models, ...lists }: Head, rows: PageRows): UsagePage {
  return {
    sinceMs: Date.parse(since),
    ...lists,
    models: models.map(({ model, longer_than: longerThan, span }) => ({ model, longerThan, span })),
    ids: rows.ids,
    heads: rows.heads,
    slots: rows.slotNumbers,
    firstSlots: Int32Array.from(rows.firstSlots),
  };
}

/** Whether the numbers after the last row name texts of the page, and count. */
function rowCheck({ models, ...lists }: Head, rows: PageRows): IsRow {
  const sizes = [lists.harnesses, lists.agents, lists.hosts, lists.folders].map(
    (one) => one.length,
  );
  return (from, to) =>
    isHead(rows.heads, rows.ids.length * headColumns, sizes) &&
    areSlots(rows.slots, from, to, models.length);
}

function isHead(heads: Float64Array, from: number, sizes: readonly number[]): boolean {
  for (let at = 0; at < sizes.length; at += 1)
    if (!isBelow(heads[from + at], sizes[at])) return false;
  const { startedAt, uploadedAt, uncounted, reported, isUncertain } = head;
  for (let at = startedAt; at <= uncounted; at += 1) {
    const value = heads[from + at];
    if (!Number.isNaN(value) && !isBelow(value, at <= uploadedAt ? farthestMs : undefined))
      return false;
  }
  return Number(heads[from + reported]) >= 0 && isBelow(heads[from + isUncertain], 2);
}

function areSlots(slots: Numbers, from: number, to: number, models: number): boolean {
  for (let at = from; at < to; at += columnsOfSlot) {
    if (!isBelow(slots[at + quarterColumn], farthestQuarter)) return false;
    if (!isBelow(slots[at + modelColumn], models)) return false;
    for (let counter = at + counterColumn; counter < at + printColumn; counter += 1) {
      if (!isCount(slots[counter])) return false;
    }
    const print = slots[at + printColumn] ?? Number.NaN;
    if ((print | 0) !== print) return false;
  }
  return true;
}

function isBelow(value: number | undefined, size = Number.POSITIVE_INFINITY): boolean {
  return value !== undefined && value < size && isCount(value);
}

function isCount(value = Number.NaN): boolean {
  return value >= 0 && ((value | 0) === value || Number.isSafeInteger(value));
}

/** One row on a line, so that `grep` finds a session's. */
export function encodePage(rows: Iterable<UsedRow>): Buffer {
  const all = [...rows];
  const sinceMs = startOf(all);
  const lists = {
    harnesses: new Numbered<string>(),
    agents: new Numbered<string | null>(),
    hosts: new Numbered<string | null>(),
    folders: new Numbered<string | null>(),
    models: new Numbered<string>(),
  };
  const sessions = all.map((row) => JSON.stringify(encodeRow(row, sinceMs, lists)));
  const page = {
    v: 1,
    since: new Date(sinceMs).toISOString(),
    harnesses: lists.harnesses.values,
    agents: lists.agents.values,
    hosts: lists.hosts.values,
    folders: lists.folders.values,
    models: lists.models.values.map((one): unknown => JSON.parse(one)),
  };
  const fields = Object.entries(page).map(
    ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)},\n`,
  );
  return Buffer.from(`{${fields.join('')}"sessions":[\n${sessions.join(',\n')}\n]}\n`);
}

interface Lists {
  readonly harnesses: Numbered<string>;
  readonly agents: Numbered<string | null>;
  readonly hosts: Numbered<string | null>;
  readonly folders: Numbered<string | null>;
  readonly models: Numbered<string>;
}

function encodeRow(row: UsedRow, sinceMs: number, lists: Lists): unknown[] {
  const { used } = row;
  const after = (time: string | null): number | null =>
    time === null ? null : Date.parse(time) - sinceMs;
  const slots = (used?.slots ?? []).flatMap(
    ({ startMs, model, longerThan, span, usage, print }) => [
      (startMs - sinceMs) / quarterMs,
      lists.models.of(JSON.stringify({ model, longer_than: longerThan, span })),
      ...usageCounters.map((counter) => usage[counter]),
      Number.parseInt(print, 36) | 0,
    ],
  );
  return [
    row.session_id,
    lists.harnesses.of(row.harness),
    lists.agents.of(row.agent_id),
    lists.hosts.of(row.host),
    lists.folders.of(row.cwd),
    after(row.started_at),
    after(row.last_uploaded_at),
    used?.uncountedLines ?? null,
    used?.reportedUsd ?? 0,
    used?.isUncertain === true ? 1 : 0,
    ...slots,
  ];
}

/** A whole quarter of an hour before everything in these rows, so that its numbers are short and none is negative. */
function startOf(rows: readonly UsedRow[]): number {
  let first = Number.POSITIVE_INFINITY;
  for (const { started_at, last_uploaded_at, used } of rows) {
    for (const time of [started_at, last_uploaded_at]) {
      if (time !== null) first = Math.min(first, Date.parse(time));
    }
    for (const { startMs } of used?.slots ?? []) first = Math.min(first, startMs);
  }
  return Number.isFinite(first) ? Math.floor(first / quarterMs) * quarterMs : 0;
}

/** The rows of a page as its writer merges them. */
export function rowsOf(page: UsagePage): readonly UsedRow[] {
  return page.ids.map((session_id, row): UsedRow => {
    const numberAt = (column: number): number =>
      page.heads[row * headColumns + column] ?? Number.NaN;
    const time = (column: number): string | null => {
      const ms = page.sinceMs + numberAt(column);
      return Number.isNaN(ms) ? null : new Date(ms).toISOString();
    };
    return {
      harness: page.harnesses[numberAt(head.harness)] ?? '',
      session_id,
      agent_id: page.agents[numberAt(head.agent)] ?? null,
      host: page.hosts[numberAt(head.host)] ?? null,
      cwd: page.folders[numberAt(head.folder)] ?? null,
      started_at: time(head.startedAt),
      last_uploaded_at: time(head.uploadedAt),
      used: Number.isNaN(numberAt(head.uncounted))
        ? null
        : {
            slots: slotsOf(page, row),
            uncountedLines: numberAt(head.uncounted),
            reportedUsd: numberAt(head.reported),
            isUncertain: numberAt(head.isUncertain) === 1,
          },
    };
  });
}

function slotsOf({ firstSlots, ...page }: UsagePage, row: number): readonly UsageSlot[] {
  const slots: UsageSlot[] = [];
  for (let at = firstSlots[row] ?? 0; at < (firstSlots[row + 1] ?? 0); at += 1) {
    slots.push(slotAt(page, at));
  }
  return slots;
}

/** One slot of a page by its number. */
export function slotAt(
  { sinceMs, slots, models }: Pick<UsagePage, 'sinceMs' | 'slots' | 'models'>,
  at: number,
): UsageSlot {
  const numberAt = (column: number): number => slots[at * slotColumns + column] ?? 0;
  const { model = '', longerThan = 0, span = 'quarter' } = models[numberAt(slot.model)] ?? {};
  return {
    startMs: sinceMs + numberAt(slot.quarter) * quarterMs,
    ...{ model, longerThan, span },
    usage: mapUsage((counter) => numberAt(slot.counters + usageCounters.indexOf(counter))),
    print: (numberAt(slot.print) >>> 0).toString(36),
  };
}
