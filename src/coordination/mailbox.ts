import { encodeDocument } from '../protocol/documents.js';
import { stepId } from '../protocol/names.js';
import type { CoordinationContext } from './context.js';
import { writeEvent } from './events.js';
import { newStamp } from './stamp.js';

export interface NewMail {
  readonly to: string;
  readonly message: string;
  readonly step?: string;
  readonly replyTo?: string;
  /** 8 hex digits. Without it a random one; with it whoever repeats the act can find out that it was sent. */
  readonly id?: string;
}

/** One message to one agent, under a key that no other message has. Then its event. */
export async function sendMail(
  context: CoordinationContext,
  { to, message, step, replyTo, id }: NewMail,
): Promise<{ readonly key: string; readonly id: string; readonly sentAt: string }> {
  const { bucket, layout, agent } = context;
  const moment = await newStamp(context);
  const stamp = id === undefined ? moment.stamp : { ...moment.stamp, id };
  const key = layout.message(to, stamp);
  const about = step === undefined ? {} : { step: stepId(step) };
  const mail = {
    id: stamp.id,
    from: agent,
    to,
    message,
    sent_at: moment.at,
    ...about,
    ...(replyTo === undefined ? {} : { reply_to: replyTo }),
  };
  await bucket.put(key, encodeDocument(mail));
  await writeEvent(context, {
    type: 'message.sent',
    ...about,
    data: { ref: { key, id: stamp.id }, to, message },
  });
  return { key, id: stamp.id, sentAt: moment.at };
}
