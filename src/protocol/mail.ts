import * as v from 'valibot';
import { UsageError } from '../errors.js';
import { type Layout, parseStampName, type Stamp } from './keys.js';

const timestamp = v.pipe(v.string(), v.maxLength(64));
/** Characters of a message: enough for a handoff's note and next action. */
const maxMailLength = 250_000;
const text = v.pipe(v.string(), v.maxLength(maxMailLength));
const nullableText = v.optional(v.nullable(text), null);

/**
 * Bytes of one message's object; anything larger is not a message. The longest text fits with every character
 * escaped.
 */
export const maxMailBytes = 2_097_152;
/** Maximum size in bytes of a cursor that is read. */
export const maxCursorBytes = 33_554_432;

/** A message. Its key also names the recipient and the time. */
export const mailSchema = v.object({
  id: nullableText,
  from: nullableText,
  message: text,
  sent_at: v.optional(v.nullable(timestamp), null),
  step: nullableText,
  reply_to: nullableText,
  kind: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(64))), null),
});
export type MailDocument = v.InferOutput<typeof mailSchema>;

const stampNames = v.optional(v.array(v.pipe(v.string(), v.maxLength(256))), []);

/** `inboxes/<agent>/cursor.json`: what that agent has read. */
export const cursorSchema = v.object({
  /** 19 digits, nanoseconds of store time: everything before it has been seen. */
  through: v.pipe(v.string(), v.regex(/^\d{19}$/)),
  /** Names (`<ts>_<sender>_<id>`) of later messages that have been seen. */
  direct: stampNames,
  broadcast: stampNames,
});
export type CursorDocument = v.InferOutput<typeof cursorSchema>;

export const mailKinds = ['direct', 'broadcast'] as const;
export type MailKind = (typeof mailKinds)[number];

/** The folder of that kind of mail for an agent, with a trailing slash. */
export function mailFolder(layout: Layout, agent: string, kind: MailKind): string {
  return kind === 'direct' ? layout.messages(agent) : layout.broadcasts();
}

/** What a key in a mailbox is: a message, `bookkeeping` (never shown), or a `stray` that no message could have. */
export function mailKeyOf(folder: string, key: string): Stamp | 'bookkeeping' | 'stray' {
  const leaf = key.slice(folder.length);
  return parseStampName(leaf) ?? (leaf.startsWith('_') ? 'bookkeeping' : 'stray');
}

/** The id of a message as `inbox` shows it, or a `UsageError`. */
export function checkMailId(value: string): string {
  if (/^[0-9a-f]{8}$/.test(value)) return value;
  throw new UsageError(`not the id of a message: ${JSON.stringify(value.slice(0, 40))}`, {
    hint: 'It has 8 hex digits: see "tracecraft inbox --long".',
  });
}

/** Returns the text, or throws `UsageError` if readers would not accept it. */
export function checkMailText(value: string): string {
  if (value.trim() === '') throw new UsageError('the message is empty');
  if (value.length <= maxMailLength) return value;
  throw new UsageError(`the message is longer than ${maxMailLength} characters`, {
    hint: 'Upload it with "tracecraft artifact upload" and name it in the message.',
  });
}
