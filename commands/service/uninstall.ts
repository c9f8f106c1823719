import * as Flags from '@oclif/core/flags';
import { openManager } from '../../src/app/service.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { tracecraftHome } from '../../src/config/files.js';
import { PartialError } from '../../src/errors.js';
import { nodeIo } from '../../src/io.js';
import { removable, removeInstallation } from '../../src/service/installation.js';
import { otherDefinition } from '../../src/service/service.js';

export default class ServiceUninstall extends BaseCommand {
  static override summary = 'stop the service and remove what install wrote';
  static override description =
    `Stops it, then removes the definition, the environment file, the log file, and folders created for them that are now empty. Your bucket, configs and local state stay.\n\nExit codes: 0 done, 2 the definition was changed or is not ours, 3 not installed, 10 removed, but it may still be running.`;
  static override examples = ['<%= config.bin %> service uninstall'];
  static override flags = {
    force: Flags.boolean({ summary: 'remove even a definition that was changed or is not ours' }),
  };

  async run(): Promise<object> {
    const { flags } = await this.parse(ServiceUninstall);
    const manager = openManager(this.surroundings);
    const spec = await removable(manager, flags.force);
    const other = await otherDefinition(manager, await manager.state());
    // What runs from another definition is not what install wrote.
    const stopped = other === undefined ? await manager.stop() : ({ ok: true } as const);
    const { files, folders, left } = await removeInstallation(manager, spec);
    await manager.forget();
    for (const path of [...files, ...folders]) this.say(`Removed ${path}`);
    const stays = [...left, ...(await this.remains())];
    for (const path of stays) this.say(`Left ${path}`);
    const data = { removed: files, removed_folders: folders, left: stays, ended: stopped.ok };
    if (stopped.ok) return data;
    const error = new PartialError(`removed, but not stopped: ${stopped.reason}`, {
      hint: 'If "tracecraft watch" is still running, stop it yourself.',
    });
    return this.answerFailure(error, data);
  }

  private async remains(): Promise<readonly string[]> {
    const folder = tracecraftHome(this.surroundings);
    return (await nodeIo.stat(folder)) === undefined ? [] : [folder];
  }
}
