import type { HarnessDescription } from '../../watchers/harness.js';
import { harnesses } from '../../watchers/names.js';
import { sessionIdOf } from '../coordination/agents/session-id.js';
import { nodeIo } from '../io.js';

type SessionNamer = Pick<HarnessDescription, 'sessionVariables'>;
type Environment = Readonly<Record<string, string | undefined>>;

/** Which session this process runs in, as far as its environment tells. */
export interface SessionHere {
  readonly id: string | undefined;
  /** Those it names when several harnesses are nested and nothing tells which of them is the inner one. */
  readonly unclear: readonly string[];
}

/**
 * A harness that another one started inherits the variable that names the outer session, and adds its own. The inner session
 * is the one whose variable is missing, or has another value, in the nearest process above that lacks any of them. `only`
 * considers a single harness.
 */
export async function sessionHere(
  env: Environment,
  only?: string,
  above: AsyncIterable<Environment> = environmentsAbove(),
): Promise<SessionHere> {
  const own = sessionIdOf(env, []);
  if (own !== undefined) return { id: own, unclear: [] };
  const named = sessionNamersIn(env, only);
  const inner = named.length > 1 ? await innermost(env, named, above) : named[0];
  if (inner !== undefined) return { id: sessionIdOf(env, inner.sessionVariables), unclear: [] };
  return {
    id: undefined,
    unclear: named.flatMap((one) => sessionIdOf(env, one.sessionVariables) ?? []),
  };
}

/** The session that it is, or those that it may be; none if the environment names none. */
export function possibleSessions({ id, unclear }: SessionHere): readonly string[] {
  return id === undefined ? unclear : [id];
}

/** The harnesses of which the environment names a session. */
export function sessionNamersIn(env: Environment, only?: string): readonly SessionNamer[] {
  const asked = harnesses.filter(({ name }) => only === undefined || name === only);
  return asked.filter((one) => valueIn(env, one) !== undefined);
}

async function innermost(
  env: Environment,
  named: readonly SessionNamer[],
  above: AsyncIterable<Environment>,
): Promise<SessionNamer | undefined> {
  for await (const outer of above) {
    const since = named.filter((one) => valueIn(outer, one) !== valueIn(env, one));
    if (since.length > 0) return since.length === 1 ? since[0] : undefined;
  }
  return undefined;
}

function valueIn(env: Environment, { sessionVariables }: SessionNamer): string | undefined {
  const variable = sessionVariables.find((one) => (env[one] ?? '') !== '');
  return variable === undefined ? undefined : env[variable];
}

/** More than any chain of shells and harnesses; a loop of reused process ids must end. */
const mostProcesses = 64;

/** What the processes above this one were started with, nearest first. Linux only, and only those of the same user. */
async function* environmentsAbove(): AsyncGenerator<Environment> {
  if (process.platform !== 'linux') return;
  let pid = process.ppid;
  for (let count = 0; count < mostProcesses && pid > 0; count += 1) {
    const [environ, stat] = await Promise.all([
      nodeIo.readFile(`/proc/${pid}/environ`).catch(() => undefined),
      nodeIo.readFile(`/proc/${pid}/stat`).catch(() => undefined),
    ]);
    if (environ === undefined || stat === undefined) return;
    yield variablesIn(environ.toString('utf8'));
    pid = parentIn(stat.toString('utf8'));
  }
}

function variablesIn(environ: string): Environment {
  const pairs = environ.split('\0').map((pair): [string, string] => {
    const end = pair.indexOf('=');
    return [pair.slice(0, end), pair.slice(end + 1)];
  });
  return Object.fromEntries(pairs);
}

/** The fourth field (proc(5)); the second is the program's name in parentheses, and may contain anything. */
function parentIn(stat: string): number {
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
}
