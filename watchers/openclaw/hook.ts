/** OpenClaw runs hooks inside its gateway, so this one is JavaScript (https://docs.openclaw.ai/automation/hooks). */
export const openClawHookPage = `---
name: tracecraft
description: "Tells tracecraft watch that a session advanced"
metadata: { "openclaw": { "events": ["command:new", "command:reset", "command:stop", "session:compact:after", "message:received", "message:sent"] } }
---

Written by "tracecraft setup openclaw"; "tracecraft setup openclaw --remove" takes it away. It drops one small file into
tracecraft's spool and nothing else.
`;

export function openClawHandler(spool: string): string {
  return `// Written by "tracecraft setup openclaw"; "tracecraft setup openclaw --remove" takes it away.
import { lstat, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const spool = ${JSON.stringify(spool)};

function sessionOf(event) {
  const context = event?.context ?? {};
  const id = context.sessionId ?? context.sessionEntry?.sessionId;
  return typeof id === 'string' && /^[\\w-]{1,150}$/.test(id) ? id : undefined;
}

// Never awaited and never fails, so the gateway does not wait for it.
export default function tracecraft(event) {
  const id = sessionOf(event);
  const part = join(spool, \`.openclaw.\${process.pid}.\${Math.random().toString(36).slice(2)}\`);
  const content = JSON.stringify(id === undefined ? {} : { session_id: id });
  mkdir(spool, { recursive: true, mode: 0o700 })
    .then(() => lstat(spool))
    .then((found) => found.isSymbolicLink() ? Promise.reject(new Error('a link')) : undefined)
    .then(() => writeFile(part, content, { flag: 'wx', mode: 0o600 }))
    .then(() => rename(part, join(spool, \`openclaw.\${id ?? 'any'}.advanced\`)))
    .catch(() => {});
}
`;
}
