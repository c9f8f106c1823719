import type { StepView } from '../coordination/claims/steps.js';
import type { Mail } from '../coordination/mail/mailbox.js';
import type { SentMail } from '../coordination/mail/outbox.js';
import type { Memory as StoredMemory } from '../coordination/memory/read.js';
import type { HandoffDocument } from '../protocol/coordination.js';
import type { Message, SentState } from './mail-types.js';
import type { Memory } from './memory-types.js';
import type { Handoff, Step } from './types.js';

export function handoffOf(step: string, document: HandoffDocument): Handoff {
  const { from_agent, next_agent, state, next_action, note, created_at, epoch } = document;
  return {
    step: document.from_step ?? step,
    outcome: state,
    from: from_agent,
    nextAgent: next_agent,
    nextAction: next_action,
    note,
    at: created_at,
    epoch,
    changedFiles: document.changed_files ?? [],
    artifacts: (document.artifacts ?? []).map(({ name }) => name),
  };
}

export function stepOf({ step, status, agent, epoch, expired, note }: StepView): Step {
  return { step, status, agent, epoch, isExpired: expired, note };
}

export function messageOf({ id, from, kind, message, sentAt, step, replyTo }: Mail): Message {
  return { id, from, kind, message, sentAt, step, replyTo };
}

export function sentStateOf(sent: SentMail): SentState {
  const { id, to, message, sentAt, step, asksForAck, seenBy, ackedBy } = sent;
  return { id, to, message, sentAt, step, asksForAck, seenBy, ackedBy };
}

export function memoryOf(memory: StoredMemory): Memory {
  const { key, value, version, set_by, set_at, deleted } = memory;
  return { key, value, version, setBy: set_by, setAt: set_at, isDeleted: deleted };
}
