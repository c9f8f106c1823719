import { dirname, join } from 'node:path';
import * as Flags from '@oclif/core/flags';
import {
  absoluteFolder,
  openManager,
  type PlannedService,
  planService,
} from '../../src/app/service.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { columns } from '../../src/cli/output.js';
import { readPackage } from '../../src/cli/package.js';
import { watchFlags } from '../../src/cli/watch-flags.js';
import { parseDuration } from '../../src/config/duration.js';
import { tracecraftHome } from '../../src/config/files.js';
import { PartialError, UnsupportedError, UsageError } from '../../src/errors.js';
import { nodeIo } from '../../src/io.js';
import { planInstallation, writeInstallation } from '../../src/service/installation.js';
import {
  type Managed,
  otherDefinition,
  type ServiceManager,
  type ServiceState,
} from '../../src/service/service.js';
import type { ServiceSpec } from '../../src/service/spec.js';
import { exampleHarnesses, folderVariables } from '../../watchers/names.js';

export default class ServiceInstall extends BaseCommand {
  static override summary =
    'run watch as a service: now, at every login, and again after a failure';
  static override description =
    `Writes a systemd user unit (Linux) or a launchd agent (macOS) that runs "tracecraft watch" with the config that applies here, and starts it. Flags are passed on to watch. Variables that locate things (TRACECRAFT_HOME, ${folderVariables[0]}, AWS_PROFILE, …) are recorded with their current values; credentials only if --env names them, in a file that only you can read. To change anything, install again; repeating it with the same flags changes nothing.

A service does not accept --no-redact: run watch yourself for that.

Exit codes: 0 installed and started, 2 bad flags, no service manager, or a definition that tracecraft did not write, 7 config not trusted or folder not writable, 10 installed but not started.`;
  static override examples = [
    '<%= config.bin %> service install',
    '<%= config.bin %> service install --print',
    `<%= config.bin %> service install --all-projects --harness ${exampleHarnesses[1]}`,
    '<%= config.bin %> service install --env AWS_ACCESS_KEY_ID --env AWS_SECRET_ACCESS_KEY',
  ];
  static override flags = {
    ...watchFlags,
    env: Flags.string({
      summary:
        'pass the current value of this variable to the service, in a file of mode 600; repeatable',
      helpValue: 'NAME',
      multiple: true,
    }),
    print: Flags.boolean({ summary: 'show what would be installed without installing it' }),
    manager: Flags.option({
      summary: 'with --print: show it for the other system',
      options: ['systemd', 'launchd'] as const,
      dependsOn: ['print'],
    })(),
    'no-start': Flags.boolean({ summary: 'do not start it before the next login' }),
    force: Flags.boolean({ summary: 'overwrite a definition that was changed or is not ours' }),
  };

  async run(): Promise<object> {
    const { flags } = await this.parse(ServiceInstall);
    const manager = openManager(this.surroundings, flags.manager);
    const planned = await planService(manager, this.surroundings, {
      args: this.watchArgs(flags),
      secretNames: flags.env ?? [],
      isForced: flags.force,
      version: readPackage(this.installation.root).version,
      script: join(this.installation.root, 'bin', 'run.cjs'),
    });
    if (flags.print) return this.show(manager, planned);
    const state = await manager.state();
    await refuseUseless(manager, state);
    const { spec, isChanged } = await writeInstallation(manager, planned.order, nodeIo);
    this.tell(manager, spec, planned);
    const started = flags['no-start'] ? undefined : await manager.start();
    const data = { ...dataOf(manager, spec), changed: isChanged, remarks: planned.remarks };
    const wasRunning = state.isReachable && state.isRunning;
    return this.answer({ manager, started, wasRunning, data });
  }

  private watchArgs(flags: WatchFlags): string[] {
    for (const [name, text] of [
      ['--since', flags.since],
      ['--interval', flags.interval],
      ['--heartbeat', flags.heartbeat],
    ] as const) {
      if (text !== undefined) parseDuration(name, text);
    }
    return [
      ...(flags.harness ?? []).flatMap((one) => ['--harness', one]),
      ...(flags.cwd === undefined ? [] : ['--cwd', absoluteFolder(flags.cwd, this.surroundings)]),
      ...(flags.since === undefined ? [] : ['--since', flags.since]),
      ...(flags.all ? ['--all'] : []),
      ...(flags['all-projects'] ? ['--all-projects'] : []),
      ...(flags.interval === undefined ? [] : ['--interval', flags.interval]),
      ...(flags.heartbeat === watchFlags.heartbeat.default ? [] : ['--heartbeat', flags.heartbeat]),
      ...(flags.compact ? ['--compact'] : []),
      ...(flags.poll ? ['--poll'] : []),
    ];
  }

  private async show(manager: ServiceManager, planned: PlannedService): Promise<object> {
    const { spec, text } = await planInstallation(manager, planned.order);
    for (const remark of planned.remarks) this.note(remark);
    this.printText(text);
    return { ...dataOf(manager, spec), text, remarks: planned.remarks };
  }

  private tell(manager: ServiceManager, spec: ServiceSpec, { remarks }: PlannedService): void {
    const names = Object.keys(spec.variables).join(', ');
    const rows = [
      [manager.kind === 'systemd' ? 'unit' : 'agent', manager.definition],
      ['runs', [spec.node, spec.script, ...spec.args].join(' ')],
      ['in', spec.folder],
      ['config', spec.config ?? '-'],
      ['carries', names === '' ? '-' : names],
      ...(spec.secrets === null ? [] : [['secrets', `${spec.secrets} (mode 600)`]]),
      ['log', manager.logCommand],
    ];
    for (const line of columns(rows)) this.say(line);
    for (const remark of remarks) this.warn(remark);
    if (spec.config !== null && dirname(spec.config) !== tracecraftHome(this.surroundings)) {
      this.say(
        `It covers ${dirname(spec.config)} only, by the config there; other folders need "tracecraft init --global".`,
      );
    }
  }

  private async answer({ manager, started, wasRunning, data }: Answer): Promise<object> {
    if (started === undefined) this.say('Installed; it starts at your next login.');
    else if (started.ok) {
      this.say(
        wasRunning ? 'Started again.' : 'Started. "tracecraft service status" shows its state.',
      );
    } else {
      const error = new PartialError(`installed, but not started: ${started.reason}`, {
        hint: startHint(manager),
      });
      return this.answerFailure(error, { ...data, started: false, reason: started.reason });
    }
    if ((await manager.outlivesLogin()) === false) {
      this.say('It stops when you log out; to keep it running: loginctl enable-linger');
    }
    return { ...data, started: started?.ok === true };
  }
}

interface WatchFlags {
  readonly harness?: readonly string[] | undefined;
  readonly cwd?: string | undefined;
  readonly since?: string | undefined;
  readonly all: boolean;
  readonly 'all-projects': boolean;
  readonly interval?: string | undefined;
  readonly heartbeat: string;
  readonly compact: boolean;
  readonly poll: boolean;
}

interface Answer {
  readonly manager: ServiceManager;
  readonly started: Managed | undefined;
  readonly wasRunning: boolean;
  readonly data: object;
}

/** A definition written where the manager does not look would never run. */
async function refuseUseless(manager: ServiceManager, state: ServiceState): Promise<void> {
  if (!state.isReachable && state.isMissing) {
    throw new UnsupportedError(state.reason, {
      hint: 'Have your init system run "tracecraft watch --wait"; --print shows what a unit would contain.',
    });
  }
  const other = await otherDefinition(manager, state);
  if (other === undefined) return;
  throw new UsageError(
    `${manager.kind} uses another definition: ${other}, not ${manager.definition}`,
    {
      hint: 'This shell has another HOME or XDG_CONFIG_HOME than your service manager: unset it, or remove that definition.',
    },
  );
}

function startHint({ kind }: ServiceManager): string {
  return kind === 'systemd'
    ? 'It starts at your next login, or with "systemctl --user restart tracecraft" where your own systemd runs.\n"tracecraft service uninstall" removes it again; "tracecraft watch" does the same work in a terminal.'
    : 'Log in to the desktop, then install again. "tracecraft watch" does the same work in a terminal.';
}

function dataOf({ kind, definition }: ServiceManager, spec: ServiceSpec): object {
  const { node, script, args, folder, config, variables, secrets, log } = spec;
  const command = [node, script, ...args];
  return { manager: kind, definition, command, folder, config, variables, secrets, log };
}
