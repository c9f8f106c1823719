import type { PageHeader } from '../page/data.js';
import type { BarEnd, ClaimBar } from './claim-bars.js';
import type { Entries } from './entries.js';
import { stateWords } from './labels.js';

/** A piece of the one-sentence summary of a run; success and failure have colours. */
export interface StoryPart {
  readonly text: string;
  readonly tone?: 'blocked' | 'amber' | 'done';
  /** The entry it is about. */
  readonly entry?: number;
}

/** With more steps than this they are only counted, and those that failed last are named, the last one first. */
const mostSteps = 7;
const mostNamed = 4;
const longestNote = 120;

/** The run in one sentence: who did what, and how it ended. Empty if nothing happened. */
export function storyOf(
  entries: Entries,
  bars: readonly ClaimBar[],
  header: Pick<PageHeader, 'sessions' | 'streams'>,
): readonly StoryPart[] {
  const last = lastBars(bars);
  if (last.length === 0) return sessionsStory(header);
  if (last.length > mostSteps) return manySteps(entries, last);
  return last.flatMap((bar, index) => [
    ...(index === 0 ? [] : [{ text: ' → ' }]),
    stepPart(entries, bar),
  ]);
}

/** How each step finally ended, in the order of the first claims. */
function lastBars(bars: readonly ClaimBar[]): readonly ClaimBar[] {
  const last = new Map<string, ClaimBar>();
  for (const bar of bars) last.set(bar.step, judged(bar));
  return [...last.values()];
}

/** A review's verdict decides how the step ended. */
function judged(bar: ClaimBar): ClaimBar {
  if (bar.verdict === undefined) return bar;
  return { ...bar, end: bar.verdict === 'approved' ? 'complete' : 'released' };
}

const marks: Readonly<Record<BarEnd, string>> = {
  complete: '✓',
  blocked: '✗',
  needs_review: '?',
  released: '↩',
  'taken over': '…',
  expired: '⌛',
  held: '…',
  planned: '○',
};

const words: Readonly<Record<BarEnd, string>> = {
  complete: 'done',
  blocked: 'blocked',
  needs_review: 'waiting for review',
  released: 'released',
  'taken over': 'under way',
  expired: 'left by their holders',
  held: 'under way',
  planned: 'planned',
};

function toneOf(end: BarEnd): Pick<StoryPart, 'tone'> {
  if (end === 'blocked') return { tone: 'blocked' };
  if (end === 'complete') return { tone: 'done' };
  return end === 'needs_review' || end === 'expired' ? { tone: 'amber' } : {};
}

function stepPart(entries: Entries, bar: ClaimBar): StoryPart {
  const { step, agent, end, endEntry, entry } = bar;
  const by = agent === undefined ? '' : ` ${agent}`;
  const note = end === 'complete' ? '' : noteOf(entries, bar);
  const tail = note === '' ? (end === 'complete' ? '' : ` (${words[end]})`) : `: ${note}`;
  return { text: `${step} ${marks[end]}${by}${tail}`, ...toneOf(end), entry: endEntry ?? entry };
}

/** The holder's closing note: `step → next: note` without the parts shown elsewhere. */
export function noteOf(entries: Entries, { step, endEntry }: ClaimBar): string {
  if (endEntry === undefined) return '';
  const next = entries.to(endEntry);
  const lead = next === undefined ? step : `${step} → ${next}`;
  const said = entries.text(endEntry);
  const note = said.startsWith(`${lead}: `) ? said.slice(lead.length + 2) : '';
  return note.length <= longestNote ? note : `${note.slice(0, longestNote - 1)}…`;
}

function manySteps(entries: Entries, bars: readonly ClaimBar[]): readonly StoryPart[] {
  const agents = new Set(bars.map(({ agent }) => agent));
  const parts: StoryPart[] = [
    { text: `${counted(agents.size, 'agent')}, ${counted(bars.length, 'step')}: ` },
  ];
  const ends = [
    'complete',
    'needs_review',
    'held',
    'released',
    'expired',
    'planned',
    'blocked',
  ] as const;
  const told = ends.flatMap((end): StoryPart[] => {
    const own = bars.filter(
      (bar) => bar.end === end || (end === 'held' && bar.end === 'taken over'),
    );
    return own.length === 0
      ? []
      : [{ text: `${own.length.toLocaleString('en')} ${words[end]}`, ...toneOf(end) }];
  });
  parts.push(...told.flatMap((part, index) => (index === 0 ? [part] : [{ text: ', ' }, part])));
  const blocked = bars
    .filter(({ end }) => end === 'blocked')
    .sort((left, right) => (right.endEntry ?? 0) - (left.endEntry ?? 0))
    .slice(0, mostNamed)
    .map((bar) => stepPart(entries, bar));
  for (const [index, part] of blocked.entries()) {
    // A semicolon after a button would begin the next line.
    const text = index === blocked.length - 1 ? part.text : `${part.text};`;
    parts.push({ text: index === 0 ? '. ' : ' ' }, { ...part, text });
  }
  return parts;
}

/** For a run of sessions only: how many, where, and how many did not end well. */
function sessionsStory({
  sessions,
  streams,
}: Pick<PageHeader, 'sessions' | 'streams'>): readonly StoryPart[] {
  if (sessions.length === 0) return [];
  const [only] = sessions;
  if (sessions.length === 1 && only !== undefined) {
    const main = streams[only.streams[0] ?? -1];
    const said = main?.lastAnswer ?? '';
    const end = said === '' ? '' : ` Its last answer: “${said}”`;
    return [
      { text: `${counted(main?.turns ?? 0, 'turn')}, ${counted(main?.calls ?? 0, 'call')}, ` },
      { text: `${stateWords[main?.state ?? 'done']}.`, ...toneOfState(main?.state) },
      { text: end },
    ];
  }
  const mains = sessions.flatMap(({ streams: [main = -1] }) => streams[main] ?? []);
  const folders = new Set(sessions.map(({ folder }) => folder).filter((one) => one !== null));
  const turns = mains.reduce((sum, stream) => sum + stream.turns, 0);
  const calls = streams.reduce((sum, stream) => sum + stream.calls, 0);
  const places = folders.size === 0 ? '' : ` in ${counted(folders.size, 'folder')}`;
  const parts: StoryPart[] = [
    {
      text: `${counted(sessions.length, 'session')}${places}: ${counted(turns, 'turn')}, ${counted(calls, 'tool call')}`,
    },
  ];
  for (const state of ['interrupted', 'open', 'failed'] as const) {
    const count = mains.filter((stream) => stream.state === state).length;
    if (count === 0) continue;
    parts.push({ text: ', ' }, { text: `${count} ${stateWords[state]}`, ...toneOfState(state) });
  }
  return parts;
}

function toneOfState(state: string | undefined): Pick<StoryPart, 'tone'> {
  if (state === 'failed') return { tone: 'blocked' };
  return state === 'done' ? { tone: 'done' } : { tone: 'amber' };
}

export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}
