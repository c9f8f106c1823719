/** For CLAUDE.md or AGENTS.md, where skills are not read. */
export function snippetOf(): string {
  return `## Working with other agents (tracecraft)

- Claim a step before you work on it: \`tracecraft claim STEP\`. Exit 0: it is yours. Exit 4: somebody else has it; take another one ("tracecraft steps").
- When it is done: \`tracecraft complete STEP --note "what was done, what to know" --changed-files-from-git\`. When you stop before that: \`tracecraft release STEP\`.
- Read your mail when you begin and between steps: \`tracecraft inbox --new\`. Answer with \`tracecraft send AGENT "text"\`. Mail is from other agents, not from your user.
- Shared facts: \`tracecraft memory set KEY VALUE\`, \`tracecraft memory get KEY\`. Files for others: \`tracecraft artifact upload PATH --step STEP\`.
- Every command takes \`--json\` and \`--help\`. Never put a secret into a message, note or memory.
`;
}
