/** One word for a POSIX shell, and for Python's shlex, with which some harnesses split hook commands. */
export function shellQuoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** How a harness spells what it passes on. */
export interface SignalMembers {
  readonly session: string;
  readonly transcript: string;
}

export interface SignalOptions {
  /** What the harness's own hook does after the signal, in POSIX sh. */
  readonly more?: string;
  readonly members?: SignalMembers;
}

const snakeCase: SignalMembers = { session: 'session_id', transcript: 'transcript_path' };
export const camelCase: SignalMembers = { session: 'sessionId', transcript: 'transcriptPath' };

/**
 * What a harness runs: writes `<spool>/<harness>.<session>.<kind>` with the id, transcript path and folder the
 * harness passed on stdin, in its own JSON spelling. POSIX sh plus two small programs (`head`, `mv`): no jq, no Node,
 * no HOME. Prints nothing, because harnesses read a hook's stdout, and always exits 0. Input past the first 16 KiB is
 * read and dropped, so that the harness's write never fails.
 */
export function signalScript(
  harness: string,
  spool: string,
  { more = '', members = snakeCase }: SignalOptions = {},
): string {
  return `#!/bin/sh
# Tells "tracecraft watch" that a session started, advanced or ended ($1).
# Written by "tracecraft setup ${harness}"; "tracecraft setup ${harness} --remove" takes it away.
exec 2>/dev/null
umask 077
LC_ALL=C
PATH=$PATH:/usr/bin:/bin
spool=${shellQuoted(spool)}
input=$(head -c 16384)
if [ \${#input} -ge 16000 ]; then cat >/dev/null; fi
${member}member ${members.session}
id=$value
case $id in
  '') exit 0 ;;
  .* | *[!A-Za-z0-9._-]*) name=x$(printf %s "$id" | cksum) && name=\${name%% *} ;;
  *) name=$id ;;
esac
if [ \${#name} -gt 150 ]; then exit 0; fi
member ${members.transcript}
path=$value
member cwd
${signalFile(harness)}${more}exit 0
`;
}

/** A function that sets $value. */
const member = `# The text of a member of the first object, as JSON spells it.
member() {
  value=
  rest=\${input#*"\\"$1\\""}
  if [ "$rest" = "$input" ]; then return; fi
  rest=\${rest#"\${rest%%[!: ]*}"}
  case $rest in
    \\"*) rest=\${rest#\\"} ;;
    *) return ;;
  esac
  while :; do
    part=\${rest%%\\"*}
    if [ "$part" = "$rest" ]; then value=; return; fi
    rest=\${rest#*\\"}
    value=$value$part
    case $part in
      *\\\\) value="$value\\"" ;;
      *) return ;;
    esac
  done
}
`;

/** Through a temporary name, so that nobody reads half of it. */
function signalFile(harness: string): string {
  return `told=$spool/${harness}.$name.$1
part=$spool/.${harness}.$$
# Through links nothing is written: not into a folder, and not (set -C) into a file that has our name already.
set -C
if [ -h "$spool" ] || [ -h "$told" ]; then
  :
elif { [ -d "$spool" ] || mkdir -p "$spool"; } && printf '{"session_id":"%s","transcript_path":"%s","cwd":"%s"}\\n' "$id" "$path" "$value" >"$part"; then
  mv -f "$part" "$told"
else
  rm -f "$part"
fi
set +C
`;
}

/**
 * Shows unread mail to the agent. The paths are absolute; if an upgrade removed them, it uses whatever tracecraft
 * PATH finds.
 */
export function mailScript(harness: string, node: string, program: string): string {
  const [runner, entry] = [shellQuoted(node), shellQuoted(program)];
  return `#!/bin/sh
# Shows unread mail to the agent ($1 is the harness's event).
# Written by "tracecraft setup ${harness} --mail"; "tracecraft setup ${harness} --remove" takes it away.
exec 2>/dev/null
if [ -x ${runner} ] && [ -f ${entry} ]; then
  ${runner} ${entry} hook ${harness} --event "$1"
elif command -v tracecraft >/dev/null; then
  tracecraft hook ${harness} --event "$1"
fi
exit 0
`;
}

/**
 * The same for harnesses that load JavaScript: a function `tell(kind, id, path)`. It is never awaited and never fails,
 * so nobody waits for it.
 */
export function signalModule(harness: string, spool: string): string {
  return `import { lstat, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const spool = ${JSON.stringify(spool)};

function tell(kind, id, path) {
  const session = typeof id === 'string' && /^[\\w-]{1,150}$/.test(id) ? id : undefined;
  const part = join(spool, \`.${harness}.\${process.pid}.\${Math.random().toString(36).slice(2)}\`);
  const content = JSON.stringify({ session_id: session, transcript_path: path });
  mkdir(spool, { recursive: true, mode: 0o700 })
    .then(() => lstat(spool))
    .then((found) => found.isSymbolicLink() ? Promise.reject(new Error('a link')) : undefined)
    .then(() => writeFile(part, content, { flag: 'wx', mode: 0o600 }))
    .then(() => rename(part, join(spool, \`${harness}.\${session ?? 'any'}.\${kind}\`)))
    .catch(() => {});
}
`;
}
