import * as v from 'valibot';
import { agentSchema } from './documents.js';

/**
 * The documents agents coordinate by. Names are fixed, because the Python tool tracecraft reads and
 * writes them too. Fields it does not write are optional here, and default to the meaning their
 * absence has there.
 */
const timestamp = v.pipe(v.string(), v.maxLength(64));
/** Characters of a note or another text in a document. */
export const maxTextLength = 100_000;
const text = v.pipe(v.string(), v.maxLength(maxTextLength));
const nullableText = v.optional(v.nullable(text), null);
const nullableTimestamp = v.optional(v.nullable(timestamp), null);
const names = v.optional(v.pipe(v.array(text), v.maxLength(10_000)));
/** Far beyond any real epoch; a planted one must not make the next one unreadable. */
const counter = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(1_000_000_000));
/** 1 for the first holder. A document without it is older than every claim with it. */
const epoch = v.optional(counter, 0);

export const outcomes = ['complete', 'blocked', 'needs_review'] as const;
/** How a step ended. */
export type Outcome = (typeof outcomes)[number];

/** An artifact in a handoff; the Python tool writes only a plain name. */
const pinSchema = v.union([
  v.pipe(
    text,
    v.transform((name): ArtifactPin => ({ name, sha256: null, size: null, etag: null })),
  ),
  v.object({
    name: text,
    /** Lower-case hex. */
    sha256: v.nullable(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
    size: v.nullable(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
    etag: v.nullable(v.pipe(v.string(), v.maxLength(1_024))),
  }),
]);

/**
 * An artifact as it was when the step was completed, whatever has been uploaded under its name
 * since.
 */
export interface ArtifactPin {
  /** `STEP/NAME`. */
  readonly name: string;
  readonly sha256: string | null;
  readonly size: number | null;
  readonly etag: string | null;
}

export const verdicts = ['approved', 'rejected'] as const;
export type Verdict = (typeof verdicts)[number];

/** A reviewer's verdict on a step that needed a review. */
const reviewSchema = v.object({
  by: text,
  verdict: v.picklist(verdicts),
  note: nullableText,
  /** Who gets a message about it. */
  to: nullableText,
  at: timestamp,
});
export type ReviewDocument = v.InferOutput<typeof reviewSchema>;

export const handoffSchema = v.object({
  schema: v.optional(v.number(), 1),
  from_agent: nullableText,
  from_step: nullableText,
  next_agent: nullableText,
  state: v.optional(v.picklist(outcomes), 'complete'),
  next_action: nullableText,
  note: nullableText,
  created_at: nullableTimestamp,
  changed_files: names,
  artifacts: v.optional(v.pipe(v.array(pinSchema), v.maxLength(10_000))),
  review: v.optional(v.nullable(reviewSchema)),
  epoch,
  /** Of the mail to the next agent: shows whoever repeats the completion whether it was sent. */
  message_id: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{8}$/))),
});
export type HandoffDocument = v.InferOutput<typeof handoffSchema>;

const claimStates = ['held', 'released', 'done'] as const;

export const claimSchema = v.object({
  agent: text,
  session_id: nullableText,
  host: nullableText,
  /** Unique to every claim; `null` in a document of the Python tool. */
  nonce: nullableText,
  /** The fencing token: increases with each takeover or reopening. */
  epoch: v.optional(counter, 1),
  claimed_at: nullableTimestamp,
  /** Seconds; `null`: never expires. */
  ttl_s: v.optional(v.nullable(v.pipe(v.number(), v.minValue(0))), null),
  /** Missing in a document of the Python tool, which keeps a step's progress in `status.json`. */
  state: v.optional(v.picklist(claimStates)),
  /** Increases with each renewal, so that no two writes of a claim have the same bytes. */
  renewals: v.optional(counter, 0),
  released_at: v.optional(v.nullable(timestamp)),
  /** The whole handoff of a step that is done, or was handed over and rejected. */
  outcome: v.optional(v.nullable(handoffSchema)),
});
export type ClaimDocument = v.InferOutput<typeof claimSchema>;

const stepStatuses = ['pending', 'in_progress', ...outcomes] as const;
export type StepStatus = (typeof stepStatuses)[number];

export const statusSchema = v.object({
  status: v.picklist(stepStatuses),
  agent: nullableText,
  started_at: nullableTimestamp,
  completed_at: v.optional(v.nullable(timestamp)),
  epoch,
});
export type StatusDocument = v.InferOutput<typeof statusSchema>;

/** The parts of `agents/<agent>.json` that show whether the agent is alive. */
const heartbeatSchema = v.object({
  session_id: nullableText,
  /** The last heartbeat of each of the agent's sessions, by the store's clock: an agent may have several at once. */
  sessions: v.optional(v.record(v.pipe(v.string(), v.maxLength(512)), timestamp), {}),
});

/** All of `agents/<agent>.json`. */
export const livingAgentSchema = v.object({ ...agentSchema.entries, ...heartbeatSchema.entries });
export type LivingAgentDocument = v.InferOutput<typeof livingAgentSchema>;
