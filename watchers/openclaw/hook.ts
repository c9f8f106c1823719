import { signalModule } from '../hook-script.js';

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
${signalModule('openclaw', spool)}
export default function tracecraft(event) {
  const context = event?.context ?? {};
  tell('advanced', context.sessionId ?? context.sessionEntry?.sessionId);
}
`;
}
