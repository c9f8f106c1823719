// A burst of mail: all senders at once, each message a process of the built CLI. Usage: npm run bench:mail [-- --full]
// Then every agent reads with --new, twice: all of its mail the first time, none the second.
import { writeReport } from './machine.mjs';
import { inParallel, isFull, must, openStand, round } from './stand.mjs';

const senders = isFull ? 32 : 8;
const each = isFull ? 30 : 5;
const stand = await openStand();

try {
  await stand.init(stand.proxy.endpoint);
  const name = (n) => `agent-${n % senders}`;
  const sent = Array.from({ length: senders }, () => []);
  const began = performance.now();
  const writers = Array.from({ length: senders }, async (_, n) => {
    for (let i = 0; i < each; i += 1) {
      const text = `message ${i} of ${n}`;
      await must(stand.run(['send', name(n + 1 + (i % (senders - 1))), text], { agent: name(n) }));
      sent[(n + 1 + (i % (senders - 1))) % senders].push(text);
    }
  });
  await Promise.all(writers);
  const sendMs = performance.now() - began;
  const readers = [];
  const readBegan = performance.now();
  await inParallel(senders, 4, async (n) => {
    const first = await must(stand.run(['inbox', '--new', '--json'], { agent: name(n) }));
    const again = await must(stand.run(['inbox', '--new', '--json'], { agent: name(n) }));
    const got = [...first.stdout.matchAll(/message \d+ of \d+/g)].map(([text]) => text);
    readers.push({
      agent: name(n),
      sent: sent[n].length,
      once: sent[n].filter((text) => got.filter((other) => other === text).length === 1).length,
      got: got.length,
      seen_again: [...again.stdout.matchAll(/message \d+ of \d+/g)].length,
    });
  });
  const sum = (field) => readers.reduce((total, one) => total + one[field], 0);
  const table = [
    {
      senders,
      messages: sum('sent'),
      read_once: sum('once'),
      more_than_sent: sum('got') - sum('once'),
      seen_again: sum('seen_again'),
      send_s: round(sendMs / 1000, 1),
      read_s: round((performance.now() - readBegan) / 1000, 1),
    },
  ];
  console.table(table);
  await writeReport('mail', { full: isFull, ...stand.about(), table, readers });
} finally {
  await stand.close();
}
