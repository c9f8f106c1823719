import { readerOf } from '../../../watchers/readers.js';
import { commandIn } from '../../conversation/calls.js';
import type { TurnState } from '../../conversation/conversation.js';
import { fields, isoMs } from '../../conversation/fields.js';
import type { OutlineFold } from '../../conversation/outline.js';
import { hasFailed } from '../../conversation/results.js';
import type { Piece, RowReading } from '../../conversation/row.js';
import { titleText } from '../../conversation/titles.js';
import type { PageStream } from './data.js';
import type { PathFilter } from './local-paths.js';
import { TimeSample } from './sample.js';

/**
 * The maximum number of prompts whose place and words a page has without opening the transcript.
 */
const mostPrompts = 500;
const longestWords = 140;

/** A tool call that ran a shell command. */
export interface Command {
  readonly line: number;
  readonly timeMs: number;
  readonly command: string;
}

export interface StreamPlaced {
  readonly harness: string;
  readonly session: string;
  readonly stream: string;
}

/**
 * A page's summary of a stream that has not been opened. Rows are added one by one, and little of
 * each is kept.
 */
export class StreamSummary {
  readonly #place: StreamPlaced;
  readonly #outline: OutlineFold | undefined;
  readonly #sample: TimeSample;
  readonly #mailed: PathFilter;
  readonly #onCommand: (command: Command) => void;
  readonly #prompts: (readonly [ms: number, line: number, text: string])[] = [];
  #lines = 0;
  #turns = 0;
  #calls = 0;
  #failed = 0;
  #lastMs: number | undefined;
  #state: TurnState = 'done';
  #answer = '';

  constructor(
    place: StreamPlaced,
    points: number,
    mailed: PathFilter,
    onCommand: (command: Command) => void,
  ) {
    const { harness, session, stream } = place;
    this.#place = place;
    this.#outline = readerOf(harness)?.outline({ session, stream });
    this.#sample = new TimeSample(points);
    this.#mailed = mailed;
    this.#onCommand = onCommand;
  }

  add(text: string): void {
    const line = this.#lines;
    this.#lines += 1;
    const reading = this.#outline?.row(text, line);
    const timeMs = reading === undefined ? timeIn(text) : reading.atMs;
    this.#sample.add(line, timeMs);
    if (timeMs !== undefined) this.#lastMs = timeMs;
    if (reading === undefined || this.#outline === undefined) return;
    this.#count(reading, line);
    if (reading.pieces.some(opens)) this.#opened(reading, line, this.#outline.turns);
  }

  end(lines: number): Omit<PageStream, 'calledBy'> {
    const { harness, stream } = this.#place;
    const title = this.#outline?.outline().title;
    const { sampleMs, sampleLines } = this.#sample;
    return {
      name: stream,
      harness,
      lines,
      title: title === undefined ? null : this.#mailed(title),
      turns: this.#turns,
      calls: this.#calls,
      failedCalls: this.#failed,
      state: this.#state,
      lastAnswer: this.#mailed(this.#answer),
      prompts: this.#prompts,
      sampleMs,
      sampleLines,
    };
  }

  /** A prompt that is reported twice, or again, starts no new turn. */
  #opened({ pieces, atMs }: RowReading, line: number, turns: number): void {
    if (turns <= this.#turns) return;
    this.#turns = turns;
    const prompt = pieces.find((piece) => piece.kind === 'prompt');
    const ms = atMs ?? this.#lastMs;
    if (prompt?.kind !== 'prompt' || ms === undefined) return;
    if (this.#prompts.length >= mostPrompts) return;
    this.#prompts.push([ms, line, this.#mailed(firstWords(prompt.text))]);
  }

  #count({ pieces, tells, atMs }: RowReading, line: number): void {
    for (const piece of pieces) {
      this.#state = stateAfter(piece) ?? this.#state;
      if (piece.kind === 'answer') this.#answer = firstWords(piece.text);
      if (piece.kind === 'result' && hasFailed(piece)) this.#failed += 1;
      if (piece.kind !== 'call') continue;
      this.#calls += 1;
      const command = commandIn(piece.input);
      if (command !== undefined && atMs !== undefined) {
        this.#onCommand({ line, timeMs: atMs, command });
      }
    }
    for (const tell of tells) if (tell.kind === 'end') this.#state = tell.state;
  }
}

function opens(piece: Piece): boolean {
  return piece.kind === 'prompt' || (piece.kind === 'notice' && piece.isWaking === true);
}

/** How it would have ended if nothing followed; `undefined` if the piece does not affect that. */
function stateAfter(piece: Piece): TurnState | undefined {
  switch (piece.kind) {
    case 'prompt':
    case 'call':
    case 'thinking':
      return 'open';
    case 'answer':
    case 'command':
    case 'compaction':
      return 'done';
    case 'notice':
      if (piece.notice === 'interruption') return 'interrupted';
      return /^(?:error|retries|refusal)$/.test(piece.notice) ? 'failed' : undefined;
    default:
      return undefined;
  }
}

function firstWords(said: string): string {
  const line = titleText(said);
  return line.length <= longestWords ? line : `${line.slice(0, longestWords - 1)}…`;
}

/** The time in a row of an unknown harness. */
function timeIn(text: string): number | undefined {
  try {
    const { timestamp } = fields(JSON.parse(text));
    return isoMs(timestamp);
  } catch {
    return undefined;
  }
}
