import { type SessionMark, type TimelineEntry, timeOf, wordOf } from '../replay/timeline/entry.js';
import type { ShortIds } from '../sessions/reference.js';
import { onOneLine } from './format.js';

/** Wide enough for most names, so that lines arriving one by one still align. */
const agentWidth = 12;
const wordWidth = 12;

/** `2026-11-23T03:04:05.000Z  designer      claimed       design`. */
export function logLine({ timeNs, agent, type, text }: TimelineEntry): string {
  return line(timeNs, agent, wordOf(type), text);
}

export function sessionLine(
  { timeNs, agent, type, sessionId, text }: SessionMark,
  short: ShortIds,
): string {
  const word = type === 'session.started' ? 'session' : 'session end';
  return line(timeNs, agent, word, `${short.of(sessionId)} ${text}`);
}

function line(timeNs: bigint, agent: string | null, word: string, text: string): string {
  const who = (agent ?? '-').padEnd(agentWidth);
  return `${timeOf(timeNs)}  ${who}  ${word.padEnd(wordWidth)}  ${onOneLine(text)}`.trimEnd();
}

export function logRecord(entry: TimelineEntry): object {
  const { key, type, agent, step, sessionId, to, epoch, text, timeNs, isDerived } = entry;
  return {
    at: timeOf(timeNs),
    type,
    agent,
    step,
    session_id: sessionId,
    to,
    epoch,
    text,
    key,
    derived: isDerived,
  };
}

export function sessionRecord(mark: SessionMark): object {
  const { type, timeNs, harness, sessionId, agent, text } = mark;
  return { at: timeOf(timeNs), type, harness, session_id: sessionId, agent, text };
}
