import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { promisify } from 'node:util';

/**
 * A process, distinct from every other that was, is or will be: on this machine, on another that shares the folder,
 * in another container, or with the same pid after a restart.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** When the process started, in the system's format; '' if unknown. */
  readonly started: string;
  /** Which boot of the machine; '' if unknown. */
  readonly boot: string;
  /** Pids are only meaningful within a namespace (containers have their own); '' where there are none. */
  readonly pidNamespace: string;
  readonly host: string;
  /** Distinguishes machines with the same name; '' if unknown. */
  readonly machine: string;
}

/** 'unknown': it cannot be seen from here, so it may be alive. */
type Liveness = 'alive' | 'gone' | 'unknown';

let self: Promise<ProcessIdentity> | undefined;

export function thisProcess(): Promise<ProcessIdentity> {
  self ??= describeProcess();
  return self;
}

export async function livenessOf(holder: ProcessIdentity): Promise<Liveness> {
  const me = await thisProcess();
  if (holder.host !== me.host || holder.machine !== me.machine) return 'unknown';
  if (holder.boot !== me.boot) return holder.boot === '' || me.boot === '' ? 'unknown' : 'gone';
  if (holder.pidNamespace !== me.pidNamespace) return 'unknown';
  const started = await startOf(holder.pid);
  if (started === undefined) return 'gone';
  return started === holder.started || holder.started === '' || started === '' ? 'alive' : 'gone';
}

/** A file name that says everything, so a lock needs no content that a power cut could lose. */
export function encodeProcess(holder: ProcessIdentity, nonce: string): string {
  const { pid, started, boot, pidNamespace, host, machine } = holder;
  const fields = { pid: String(pid), started, boot, ns: pidNamespace, host, machine, nonce };
  return new URLSearchParams(fields).toString();
}

/** `undefined` if the name is not a holder's. */
export function parseProcess(name: string): ProcessIdentity | undefined {
  const fields = new URLSearchParams(name);
  const pid = Number(fields.get('pid'));
  if (!Number.isSafeInteger(pid) || pid < 1) return undefined;
  return {
    pid,
    started: fields.get('started') ?? '',
    boot: fields.get('boot') ?? '',
    pidNamespace: fields.get('ns') ?? '',
    host: fields.get('host') ?? '',
    machine: fields.get('machine') ?? '',
  };
}

/** Of this machine and pid namespace. A zombie has ended, even if its parent has not looked yet. */
export async function isRunningHere(pid: number): Promise<boolean> {
  return (await startOf(pid)) !== undefined;
}

async function describeProcess(): Promise<ProcessIdentity> {
  const [started, boot, pidNamespace, machine] = await Promise.all([
    startOf(process.pid),
    firstLine(readFile('/proc/sys/kernel/random/boot_id', 'utf8')),
    firstLine(readlink('/proc/self/ns/pid')),
    firstLine(readFile('/etc/machine-id', 'utf8')),
  ]);
  return {
    pid: process.pid,
    started: started ?? '',
    boot,
    pidNamespace: pidNamespace.replace(/\D/g, ''),
    host: hostname()
      .replaceAll(/[^A-Za-z0-9.-]/g, '-')
      .slice(0, 40),
    machine: machine.slice(0, 12),
  };
}

async function firstLine(text: Promise<string>): Promise<string> {
  return text.then(
    (all) => all.split('\n', 1)[0]?.trim() ?? '',
    () => '',
  );
}

/** When a process started; '' if it runs but the system does not tell; `undefined` if there is no such process. */
function startOf(pid: number): Promise<string | undefined> {
  return process.platform === 'linux' ? startOnLinux(pid) : startElsewhere(pid);
}

/**
 * Clock ticks since boot: field 22 of /proc/[pid]/stat, see proc(5). The name in field 2 may contain spaces and
 * parentheses.
 */
async function startOnLinux(pid: number): Promise<string | undefined> {
  let stat: string;
  try {
    stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return isRunning(pid) ? '' : undefined;
  }
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state = ''] = fields;
  const hasEnded = state === 'Z' || state === 'X';
  return hasEnded ? undefined : (fields[19] ?? '');
}

async function startElsewhere(pid: number): Promise<string | undefined> {
  if (!isRunning(pid)) return undefined;
  try {
    // Only here: it brings more of Node's modules than most commands load in all.
    const { execFile } = process.getBuiltinModule('node:child_process');
    const { stdout } = await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)], {
      env: { PATH: process.env.PATH ?? '', LC_ALL: 'C', TZ: 'UTC' },
      timeout: 5_000,
    });
    return stdout.trim().replaceAll(/\s+/g, '-');
  } catch {
    return '';
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}
