import * as Flags from '@oclif/core/flags';
import { openManager, watchViewOfService } from '../../src/app/service.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { columns } from '../../src/cli/output.js';
import { NotFoundError, PartialError, UnreachableError } from '../../src/errors.js';
import { type Finding, findTrouble } from '../../src/service/health.js';
import { readDefinition } from '../../src/service/installation.js';
import type { ServiceManager, ServiceState } from '../../src/service/service.js';

export default class ServiceStatus extends BaseCommand {
  static override summary = 'show whether the service is installed and running, and what is stale';
  static override description =
    `Shows since when it has been running, its newest output, what its watch cannot send or read, and whatever an upgrade or a change has left stale, with the fix.\n\nExit codes: 0 running and nothing wrong, 3 not installed, 8 installed, but the service manager does not answer, 10 not running, or something is stale.`;
  static override examples = [
    '<%= config.bin %> service status',
    '<%= config.bin %> service status --lines 50',
    '<%= config.bin %> service status --json | jq .data.findings',
  ];
  static override flags = {
    lines: Flags.integer({
      char: 'n',
      summary: 'how many of the newest output lines to show',
      helpValue: 'N',
      default: 5,
      min: 0,
      max: 10_000,
    }),
  };

  async run(): Promise<object> {
    const { flags } = await this.parse(ServiceStatus);
    const manager = openManager(this.surroundings);
    const present = await readDefinition(manager);
    if (present === undefined) {
      throw new NotFoundError(`not installed: there is no ${manager.definition}`, {
        hint: '"tracecraft service install" installs it.',
      });
    }
    const state = await manager.state();
    const watched = present.sealed?.spec;
    const view =
      watched === undefined ? null : await watchViewOfService(watched, this.surroundings);
    const findings =
      present.sealed === undefined
        ? [foreign(manager)]
        : await findTrouble(manager, present.sealed, state, this.surroundings, view);
    const lines = flags.lines === 0 ? [] : await manager.lastLines(flags.lines);
    const lingers = await manager.outlivesLogin();
    const spec = present.sealed?.spec;
    const data = {
      manager: manager.kind,
      definition: manager.definition,
      installed_by: spec?.version ?? null,
      command: spec === undefined ? null : [spec.node, spec.script, ...spec.args],
      folder: spec?.folder ?? null,
      config: spec?.config ?? null,
      ...stateData(state),
      outlives_login: lingers ?? null,
      findings,
      lines,
    };
    const rows = [
      ['service', stateText(state)],
      [manager.kind === 'systemd' ? 'unit' : 'agent', manager.definition],
      ['runs', data.command?.join(' ') ?? '-'],
      ['in', data.folder ?? '-'],
      ['log', manager.logCommand],
    ];
    for (const line of columns(rows)) this.print(line);
    for (const { message, fix } of findings) this.warn(`${message}. ${fix}`);
    if (lingers === false) {
      this.note('It stops when you log out; to keep it running: loginctl enable-linger');
    }
    if (lines.length > 0) this.print('last lines:');
    for (const line of lines) this.print(`  ${line}`);
    const failure = failureOf(state, findings);
    return failure === undefined ? data : this.answerFailure(failure, data);
  }
}

function stateData(state: ServiceState): object {
  if (!state.isReachable) return { running: null, pid: null, since: null, state: state.reason };
  const { isRunning, pid, sinceMs, words } = state;
  return { running: isRunning, pid, since: isoTime(sinceMs), state: words };
}

function stateText(state: ServiceState): string {
  if (!state.isReachable) return `unknown: ${state.reason}`;
  if (!state.isRunning) return `not running: ${state.words}`;
  const since = isoTime(state.sinceMs);
  return `running, pid ${state.pid}${since === null ? '' : `, since ${since}`}: ${state.words}`;
}

function isoTime(ms: number | null): string | null {
  return ms === null ? null : `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function foreign({ definition }: ServiceManager): Finding {
  return {
    name: 'foreign',
    message: `tracecraft did not write ${definition}`,
    fix: 'Check it first; "tracecraft service install --force" replaces it.',
  };
}

function failureOf(
  state: ServiceState,
  findings: readonly Finding[],
): UnreachableError | PartialError | undefined {
  if (!state.isReachable) {
    return new UnreachableError(`installed, but its state is unknown: ${state.reason}`, {
      hint: 'Your own service manager runs while you are logged in; after "su" or in a container it may not.',
    });
  }
  if (!state.isRunning) {
    return new PartialError(`installed, but not running: ${state.words}`, {
      hint: '"tracecraft service install" starts it again; the last lines say why it stopped.',
    });
  }
  if (findings.length === 0) return undefined;
  return new PartialError(
    `running, but ${findings.length === 1 ? 'something is' : `${findings.length} things are`} wrong`,
    {
      hint: findings[0]?.fix ?? '',
    },
  );
}
