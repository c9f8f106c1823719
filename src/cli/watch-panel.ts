import { basename } from 'node:path';
import type { WatchOutput } from '../app/mirroring.js';
import { escapeTerminal } from '../escape-terminal.js';
import type { ShippedPart } from '../mirror/checkpoint.js';
import type { SessionMirror, SessionSketch } from '../mirror/meta/session-mirror.js';
import { sessionKeyOf } from '../mirror/stream.js';
import type { SelectedSessions } from '../mirror/watch/session-filter.js';
import { addCounts, type Counts } from '../redact/counts.js';
import { ShortIds } from '../sessions/reference.js';
import type { Screen, ScreenSize } from './alternate-screen.js';
import { compactionLine } from './compaction-lines.js';
import { formatAge, formatBytes, plural } from './format.js';
import { noteLine, sayLine } from './output.js';
import { type Column, fitted, tableLines, wrapped } from './table.js';
import { placeText, takenLines } from './watch-output.js';

/** A session that grew while the panel was open. */
interface LiveSession {
  readonly harness: string;
  /** As short as it can be. */
  readonly name: string;
  readonly cwd: string | null;
  /** Its title, else the last prompt; both as redacted for the bucket. */
  readonly title: string | null;
  /** Lines of its transcript in the bucket. */
  readonly lines: number;
  readonly redactions: Counts;
  readonly lastMs: number;
}

export interface PanelView {
  readonly taken: SelectedSessions;
  readonly where: string;
  readonly sessions: number;
  readonly startedMs: number;
  readonly live: readonly LiveSession[];
  readonly lines: number;
  readonly bytes: number;
  readonly redactions: Counts;
  /** What was said about the run itself, oldest first. */
  readonly notes: readonly string[];
  readonly trouble: string | undefined;
}

const columns: readonly Column[] = [
  { heading: 'LAST' },
  { heading: 'HARNESS', fromWidth: 50 },
  { heading: 'FOLDER', widest: 16, fromWidth: 70 },
  { heading: 'TITLE', isElastic: true },
  { heading: 'LINES', fromWidth: 60 },
  { heading: 'KEPT HOME', fromWidth: 100 },
  { heading: 'ID', isName: true },
];
const mostNotes = 3;
const mostTroubleLines = 3;
const endText = 'Ctrl-C ends. Nothing is lost when it does.';

/** What the terminal shows: never more rows than it has, and none wider. */
export function panelLines(view: PanelView, size: ScreenSize, nowMs: number): string[] {
  const top = [
    `Mirroring ${plural(view.sessions, 'session')} to ${view.where}`,
    totalsText(view, nowMs, size.columns),
    ...view.notes.slice(-mostNotes),
    '',
  ];
  const bottom = [
    ...troubleLines(view.trouble, size.columns),
    size.columns < endText.length ? 'Ctrl-C ends; nothing is lost.' : endText,
  ];
  const room = Math.max(1, size.rows - top.length - bottom.length - 3);
  const all = [...top, ...sessionRows(view, size, room, nowMs), '', ...bottom];
  return all.map((line) => fitted(line, size.columns));
}

/** As much as fits, the most important first. */
function totalsText(
  { lines, bytes, redactions, startedMs }: PanelView,
  nowMs: number,
  width: number,
): string {
  const kept = Object.values(redactions).reduce((sum, count) => sum + count, 0);
  return [
    `${plural(kept, 'secret')} kept home`,
    formatBytes(bytes),
    `started ${formatAge(nowMs - startedMs)}`,
  ].reduce(
    (text, one) => (text.length + 3 + one.length > width ? text : `${text} · ${one}`),
    `${plural(lines, 'line')} sent`,
  );
}

function troubleLines(trouble: string | undefined, width: number): readonly string[] {
  if (trouble === undefined) return [];
  const lines = wrapped(`! ${trouble}`, width, '  ');
  if (lines.length <= mostTroubleLines) return lines;
  const last = lines.slice(mostTroubleLines - 1).join(' ');
  return [...lines.slice(0, mostTroubleLines - 1), fitted(last, width)];
}

function sessionRows(
  { live }: PanelView,
  { columns: width }: ScreenSize,
  room: number,
  nowMs: number,
): string[] {
  if (live.length === 0) return ['Waiting for an agent to write something.'];
  const newest = [...live].sort((left, right) => right.lastMs - left.lastMs);
  const rows = newest
    .slice(0, room)
    .map((session) => [
      formatAge(nowMs - session.lastMs),
      session.harness,
      session.cwd === null ? '-' : basename(session.cwd) || session.cwd,
      session.title ?? '(no prompt yet)',
      String(session.lines),
      String(Object.values(session.redactions).reduce((sum, count) => sum + count, 0)),
      session.name,
    ]);
  const left = live.length - rows.length;
  const more = left > 0 ? [`and ${plural(left, 'more session')}`] : [];
  return [...tableLines(columns, rows, width), ...more];
}

/**
 * The live panel of a watch at a terminal: a row for each session that grows, totals, and what is wrong. When it
 * closes, what was said about the run is printed for good.
 */
export function panelOutput(screen: Screen, now: () => number): WatchOutput {
  const panel = new Panel(screen, now);
  return {
    taken: (taken, where) => panel.open(taken, where),
    sessions: (sessions) => panel.change({ sessions }),
    part: ({ session, name }, part) => panel.count(session, name, part),
    generation: ({ session }, checkpoint, reason) =>
      panel.note(
        `${placeText({ session, name: '' }, panel.short)}: the source was ${reason}; generation ${checkpoint.generation} begins, the earlier one stays`,
      ),
    trouble: (error, hint) =>
      panel.trouble(`${error.message}${hint === undefined ? '' : `. ${hint}`}`),
    compacted: (one) => panel.note(compactionLine(one)),
    well: () => panel.change({ trouble: undefined }),
    note: (line) => panel.note(line),
    close: () => panel.close(),
  };
}

class Panel {
  readonly #screen: Screen;
  readonly #now: () => number;
  readonly #live = new Map<string, LiveSession>();
  readonly #troubles = new Set<string>();
  readonly short = new ShortIds();
  #view: Omit<PanelView, 'live'> | undefined;

  constructor(screen: Screen, now: () => number) {
    this.#screen = screen;
    this.#now = now;
  }

  open(taken: SelectedSessions, where: string): void {
    this.#view = { ...emptyView, taken, where, sessions: taken.sessions, startedMs: this.#now() };
    this.short.add(taken.ids);
    this.#screen.open(() => this.#draw());
    this.#draw();
  }

  change(changes: Partial<Omit<PanelView, 'live'>>): void {
    if (this.#view === undefined) return;
    this.#view = { ...this.#view, ...changes };
    this.#draw();
  }

  count(session: SessionMirror, stream: string, part: ShippedPart): void {
    const { harness, id } = session.ref;
    const key = sessionKeyOf(session.ref);
    const known = this.#live.get(key) ?? { ...newSession, harness, name: this.short.of(id) };
    const told = described(known, session.sketch(), this.#now());
    this.#live.set(key, grown(told, stream, part));
    if (this.#view === undefined) return;
    const { lines, bytes, redactions } = this.#view;
    this.change({
      lines: lines + part.endLine - part.startLine,
      bytes: bytes + part.uploadedBytes,
      redactions: addCounts(redactions, part.redactions),
    });
  }

  trouble(text: string): void {
    if (this.#view === undefined) {
      noteLine(`Warning: ${text}`);
      return;
    }
    this.#troubles.add(text);
    this.change({ trouble: escapeTerminal(text) });
  }

  note(line: string): void {
    if (this.#view === undefined) sayLine(line);
    else this.change({ notes: [...this.#view.notes, line] });
  }

  close(): void {
    const view = this.#view;
    if (view === undefined) return;
    this.#view = undefined;
    this.#screen.close();
    for (const line of [...takenLines(view.taken, view.where), ...view.notes]) sayLine(line);
    sayLine(`Sent ${plural(view.lines, 'line')}, ${formatBytes(view.bytes)}.`);
    for (const text of this.#troubles) noteLine(`Warning: ${text}`);
  }

  #draw(): void {
    if (this.#view === undefined) return;
    const view = { ...this.#view, live: [...this.#live.values()] };
    this.#screen.draw(panelLines(view, this.#screen.size, this.#now()));
  }
}

const emptyView = { lines: 0, bytes: 0, redactions: {}, notes: [], trouble: undefined };
const newSession = { cwd: null, title: null, lines: 0, redactions: {} };

function grown(known: LiveSession, stream: string, part: ShippedPart): LiveSession {
  return {
    ...known,
    lines: stream === '' ? part.endLine : known.lines,
    redactions: addCounts(known.redactions, part.redactions),
  };
}

function described(
  known: Omit<LiveSession, 'lastMs'>,
  { cwd, title, lastRowMs }: SessionSketch,
  nowMs: number,
): LiveSession {
  return {
    ...known,
    cwd: cwd ?? known.cwd,
    title: title ?? known.title,
    // What was only just mirrored may have been written long ago.
    lastMs: lastRowMs ?? nowMs,
  };
}
