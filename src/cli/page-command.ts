import { dirname, join } from 'node:path';
import type { Replayed } from '../app/replay.js';
import { countsText } from '../redact/counts.js';
import { BaseCommand } from './base-command.js';
import { canAsk } from './confirm.js';
import { plural } from './format.js';
import { ignoreInGit } from './git-ignore.js';

/** Complaints shown on the terminal; the page has all of them. */
const mostWarnings = 20;

/** What commands that write a page for people share. */
export abstract class PageCommand extends BaseCommand {
  protected tellPage({
    path,
    sidecar,
    entries,
    sessions,
    lines,
    skipped,
    redactions,
  }: Replayed): void {
    for (const message of skipped.slice(0, mostWarnings)) this.warn(message);
    const more = skipped.length - mostWarnings;
    if (more > 0)
      this.warn(`${plural(more, 'more object')} that cannot be read; the page lists them`);
    const what = `${plural(entries, 'event')}, ${plural(sessions, 'session')}, ${plural(lines, 'line')}`;
    this.say(`Wrote ${path}: ${what}`);
    if (Object.keys(redactions).length > 0)
      this.note(
        `A second look for secrets found some, and redacted them: ${countsText(redactions)}.`,
      );
    if (sidecar !== null)
      this.note(`Its data is in the folder ${sidecar} next to it: keep them together.`);
  }

  /** What was said in the sessions does not belong into a repository. */
  protected async keepFromGit({
    path,
    sidecar = null,
  }: Pick<Replayed, 'path'> & Partial<Replayed>) {
    const beside = sidecar === null ? [] : [join(dirname(path), sidecar)];
    const telling = {
      note: (line: string) => this.note(line),
      warn: (line: string) => this.warn(line),
    };
    await ignoreInGit([path, ...beside], telling, canAsk() && !this.jsonEnabled());
  }
}
