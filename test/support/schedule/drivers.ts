import type { Choose, Move } from './scheduled-store.js';

/** The same whole numbers below `count` for the same seed. */
export function seeded(seed: number): (count: number) => number {
  let state = (seed * 2_654_435_761) >>> 0;
  return (count) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * count) | 0;
  };
}

/** Nothing goes wrong most of the time, so that what does go wrong meets work that is under way. */
const weights = { go: 8, wake: 8, arrival: 4, tick: 4, fault: 1 } as const;

/** One random schedule. */
export function randomly(seed: number): Choose {
  const random = seeded(seed);
  return (moves) => {
    let left = random(moves.reduce((sum, { kind }) => sum + weights[kind], 0));
    return moves.find(({ kind }) => {
      left -= weights[kind];
      return left < 0;
    });
  };
}

interface Way {
  /** Which of the moves, from the end to the beginning. */
  readonly choice: number;
  readonly before: Way | undefined;
}

export interface Exploration {
  readonly states: number;
  readonly schedules: number;
  /** There was more to see than the bound allowed. */
  readonly isCut: boolean;
  readonly problem: string | undefined;
}

export interface Bound {
  readonly states: number;
}

/**
 * Every order of every move: each schedule is played from its beginning, and left when it comes to a state that has been
 * seen. `play` says what is wrong.
 */
export async function everywhere(
  play: (choose: Choose) => Promise<string | undefined>,
  { states: mostStates }: Bound,
): Promise<Exploration> {
  const seen = new Set<string>();
  const open: (Way | undefined)[] = [undefined];
  let schedules = 0;
  while (open.length > 0) {
    if (seen.size >= mostStates)
      return { states: seen.size, schedules, isCut: true, problem: undefined };
    const begun = choicesOf(open.pop());
    let way: Way | undefined;
    let made = 0;
    schedules += 1;
    const problem = await play((moves, state) => {
      const alone = moves.find(({ isPrivate = false }) => isPrivate);
      if (alone !== undefined) return alone;
      const given = begun[made];
      made += 1;
      if (given === undefined && isSeen(seen, state())) return undefined;
      if (given === undefined) {
        for (let other = moves.length - 1; other > 0; other -= 1) {
          open.push({ choice: other, before: way });
        }
      }
      const choice = given ?? 0;
      way = { choice, before: way };
      return moveAt(moves, choice);
    });
    if (problem !== undefined) return { states: seen.size, schedules, isCut: false, problem };
  }
  return { states: seen.size, schedules, isCut: false, problem: undefined };
}

function isSeen(seen: Set<string>, state: string): boolean {
  if (seen.has(state)) return true;
  seen.add(state);
  return false;
}

function moveAt(moves: readonly Move[], choice: number): Move {
  const move = moves[choice];
  if (move === undefined) throw new Error('a schedule that is played again went another way');
  return move;
}

function choicesOf(way: Way | undefined): number[] {
  const choices: number[] = [];
  for (let at = way; at !== undefined; at = at.before) choices.push(at.choice);
  return choices.reverse();
}
