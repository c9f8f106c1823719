import type { Finding } from './finding.js';
import type { ComparedSessions } from './newest-sessions.js';

/** What was found when sessions were compared with the bucket. */
export function judgeCompared(compared: ComparedSessions): Finding[] {
  return [
    ...judgeBehind(compared),
    ...judgeLost(compared),
    ...judgeDiffering(compared),
    ...compared.unreadable.map((problem) => unreadableSource(problem)),
    ...judgeUnread(compared),
  ];
}

export function unreadableSource(problem: string, hint?: string): Finding {
  return {
    name: 'source-unreadable',
    severity: 'error',
    message: `${problem}.`,
    fix: hint ?? 'Make it readable; everything else is mirrored.',
  };
}

function judgeBehind({ behind: [first, ...others] }: ComparedSessions): Finding[] {
  if (first === undefined) return [];
  const which = others.length === 0 ? '1 transcript has' : `${others.length + 1} transcripts have`;
  return [
    {
      name: 'sessions-behind',
      severity: 'warning',
      message: `${which} lines that are not in the bucket, e.g. ${first}.`,
      fix: 'tracecraft watch --once --all, or leave tracecraft watch running',
    },
  ];
}

function judgeLost({ lostParts }: ComparedSessions): Finding[] {
  if (lostParts.length === 0) return [];
  const parts = lostParts.reduce((sum, count) => sum + count, 0);
  const of = `${lostParts.length} ${lostParts.length === 1 ? 'transcript' : 'transcripts'}`;
  return [
    {
      name: 'parts-missing',
      severity: 'error',
      message: `The bucket lost ${parts} ${parts === 1 ? 'part' : 'parts'} of ${of}.`,
      fix: 'tracecraft watch --once --all puts back whatever this machine still has.',
    },
  ];
}

function judgeDiffering({ differing: [first, ...others] }: ComparedSessions): Finding[] {
  if (first === undefined) return [];
  const which = others.length === 0 ? '1 transcript is' : `${others.length + 1} transcripts are`;
  return [
    {
      name: 'sessions-differ',
      severity: 'error',
      message: `${which} not in the bucket as here, e.g. ${first.source}: ${first.problem}.`,
      fix: 'tracecraft watch --once --all sends what differs again.',
    },
  ];
}

function judgeUnread({ unread }: ComparedSessions): Finding[] {
  if (unread === 0) return [];
  const which = unread === 1 ? '1 session was' : `${unread} sessions were`;
  return [
    {
      name: 'sessions-not-compared',
      severity: 'warning',
      message: `${which} not compared with the bucket: they changed since they were sent, or nothing is remembered of them here, and they are too large to read now.`,
      fix: 'tracecraft session verify',
    },
  ];
}
