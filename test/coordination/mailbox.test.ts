import { describe, expect, it } from 'vitest';
import { readInbox } from '../../src/coordination/mail/inbox.js';
import { sendMail } from '../../src/coordination/mail/mailbox.js';
import { UsageError } from '../../src/errors.js';
import { MailRig } from '../support/mail-rig.js';

describe('a message', () => {
  it('is one object under a key of its own, and its event names it', async () => {
    const rig = new MailRig();
    const designer = rig.mailbox('designer');
    const { key, id, sentAt } = await sendMail(designer, {
      to: 'developer',
      message: 'hello\u0007',
      step: 'S1.A',
      replyTo: '0123abcd',
    });
    const ns = `${rig.store.nowMs}000000`;
    expect(key).toBe(`demo/messages/developer/${ns}_designer_${id}.json`);
    expect(rig.json(key)).toEqual({
      id,
      from: 'designer',
      to: 'developer',
      message: 'hello\u0007',
      sent_at: sentAt,
      step: 's1-a',
      reply_to: '0123abcd',
    });
    expect(sentAt).toBe(new Date(rig.store.nowMs).toISOString());
    expect(rig.events('message.sent')).toMatchObject([
      { step: 's1-a', data: { ref: { key, id }, to: 'developer', message: 'hello\u0007' } },
    ]);
  });

  it('to all is where every agent looks', async () => {
    const rig = new MailRig();
    const { key, id } = await sendMail(rig.mailbox('designer'), { to: null, message: 'hi' });
    expect(key).toMatch(/^demo\/messages\/_broadcast\/\d{19}_designer_/);
    expect(rig.json(key)).toMatchObject({ from: 'designer', to: '_broadcast', message: 'hi' });
    expect(rig.events('message.broadcast')).toMatchObject([{ data: { ref: { key, id } } }]);
  });

  it('collides with no other, however many are sent in one instant', async () => {
    const rig = new MailRig();
    const senders = Array.from({ length: 32 }, (_, n) => rig.mailbox(`sender-${n}`));
    const sent = await Promise.all(
      senders.flatMap((sender) =>
        Array.from({ length: 30 }, (_, n) =>
          sendMail(sender, { to: 'developer', message: `${sender.agent} ${n}` }),
        ),
      ),
    );
    expect(new Set(sent.map(({ key }) => key)).size).toBe(960);
    const { mail } = await readInbox(rig.mailbox('developer'));
    expect(new Set(mail.map(({ message }) => message)).size).toBe(960);
    for (const sender of senders) {
      const own = mail.filter(({ from }) => from === sender.agent);
      expect(own.map(({ message }) => message)).toEqual(
        Array.from({ length: 30 }, (_, n) => `${sender.agent} ${n}`),
      );
    }
  });

  it.each([
    [{ to: '../x', message: 'm' }],
    [{ to: '_cursor', message: 'm' }],
    [{ to: '_broadcast', message: 'm' }],
    [{ to: 'a\u001b[31m', message: 'm' }],
    [{ to: 'developer', message: ' \n' }],
    [{ to: 'developer', message: 'x'.repeat(250_001) }],
    [{ to: 'developer', message: 'm', step: '../x' }],
    [{ to: 'developer', message: 'm', replyTo: '../x' }],
  ])('that is hostile is refused before any request: %j', async (mail) => {
    const rig = new MailRig();
    const requests: string[] = [];
    const designer = rig.context('designer', undefined, {
      gate: async (request) => {
        requests.push(request);
      },
    });
    await expect(sendMail(designer, mail)).rejects.toThrow(UsageError);
    expect(requests).toEqual([]);
  });
});
