import { describe, expect, it } from 'vitest';
import type { WatchOutput } from '../../src/app/mirroring.js';
import { openOutline } from '../../src/app/outlines.js';
import { onceOutput, tallyLine } from '../../src/cli/once-output.js';
import { joinedUsage } from '../../src/conversation/usage-join.js';
import type { ShippedPart } from '../../src/mirror/checkpoint.js';
import { SessionMirror, type SessionMirrorContext } from '../../src/mirror/meta/session-mirror.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { createRedactor } from '../../src/redact/redactor.js';
import { MemoryStore } from '../support/memory-bucket.js';

const part: ShippedPart = {
  sequence: 0,
  generation: 0,
  startLine: 0,
  endLine: 3,
  sourceBytes: 900,
  uploadedBytes: 2_048,
  fingerprint: '',
  redactions: { jwt: 1, 'aws-access-key': 2 },
  uploadedAtMs: 0,
};

function recorded(isTerminal: boolean) {
  const told: string[] = [];
  const tell = (name: string) => () => void told.push(name);
  const output: WatchOutput = {
    taken: tell('taken'),
    sessions: tell('sessions'),
    part: tell('part'),
    generation: tell('generation'),
    trouble: tell('trouble'),
    well: tell('well'),
    compacted: tell('compacted'),
    note: tell('note'),
    close: tell('close'),
  };
  return { told, once: onceOutput(output, isTerminal, tell('clear')) };
}

function placeOf(id: string) {
  const context: SessionMirrorContext = {
    bucket: new MemoryStore(true).client(),
    layout: bucketLayout('p'),
    agent: null,
    host: 'here',
    redactor: createRedactor(),
    openOutline,
    joinUsage: joinedUsage,
  };
  return { session: new SessionMirror(context, { harness: 'codex', id }), name: '' };
}

describe('a run that mirrors once', () => {
  it('prints no parts on a terminal, and clears its progress bar before anything else', () => {
    const { told, once } = recorded(true);
    once.part(placeOf('a'), part);
    once.note('x');
    once.trouble(new Error('y'), undefined);
    expect(told).toEqual(['clear', 'note', 'clear', 'trouble']);
  });

  it('prints each part elsewhere, for scripts', () => {
    const { told, once } = recorded(false);
    once.part(placeOf('a'), part);
    once.note('x');
    expect(told).toEqual(['part', 'note']);
  });

  it('ends with what was sent, and what was kept at home', () => {
    const { once } = recorded(true);
    for (const id of ['a', 'b', 'a']) once.part(placeOf(id), part);
    expect(tallyLine(once.tally(), 2_100)).toBe(
      'Sent 2 sessions: 9 lines, 6.0 KiB in 2s. Redacted: 6 aws-access-key, 3 jwt.',
    );
    expect(tallyLine(recorded(true).once.tally(), 900)).toContain('Nothing new');
  });
});
