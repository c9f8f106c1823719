import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import * as Flags from '@oclif/core/flags';
import { knownFromHere } from '../src/app/known-secrets.js';
import { openMirroring } from '../src/app/mirroring.js';
import { redactorOf } from '../src/app/redaction.js';
import { openInBrowser, writeReplay } from '../src/app/replay.js';
import { BaseCommand } from '../src/cli/base-command.js';
import { plural } from '../src/cli/format.js';
import { systemClock } from '../src/clock.js';
import { projectConfigName, readConfigFile } from '../src/config/files.js';
import { checkConfig } from '../src/config/schema.js';
import { explicitSettings, type Settings } from '../src/config/settings.js';
import { openTrustStore } from '../src/config/trust.js';
import { demoSessions } from '../src/demo/sessions.js';
import { tellStory } from '../src/demo/story.js';
import { transcriptFiles } from '../src/demo/transcripts.js';
import { NotAllowedError, UsageError } from '../src/errors.js';
import { nodeIo } from '../src/io.js';
import { noEvents } from '../src/mirror/watch/file-events.js';
import { everything } from '../src/mirror/watch/selection.js';
import { bucketLayout } from '../src/protocol/keys.js';
import { RunReader } from '../src/replay/timeline/read.js';
import { createWatchers } from '../watchers/registry.js';

const project = 'replaydemo';
/** The story ends a few minutes before now. */
const storyMs = 55 * 60_000;
const patch = `--- a/src/routes/orders.ts
+++ b/src/routes/orders.ts
@@ -1,4 +1,6 @@
+import { requireToken } from '../middleware/auth.js';
+
 export const router = createRouter();
+router.use(requireToken);
`;

export default class Demo extends BaseCommand {
  static override summary = 'see it work: three agents, one bucket, one page';
  static override description =
    'Plays a designer, a developer and a reviewer on a small project, whose steps need one another and of which "run" does one, in a bucket in a new folder on this disk, mirrors their three transcripts, and writes the replay. Touches nothing else, except that it records its config as trusted. Nothing leaves the machine, and no agent needs to be installed.\n\nExit codes: 0 done, 2 folder in use, 7 folder not writable.';
  static override examples = [
    '<%= config.bin %> demo',
    '<%= config.bin %> demo --folder ~/tracecraft-demo --no-open',
  ];
  static override flags = {
    folder: Flags.string({
      summary: 'where to put it (default: a new temporary folder)',
      helpValue: 'DIR',
    }),
    open: Flags.boolean({
      summary: 'open the page in the browser (the default at a terminal)',
      allowNo: true,
    }),
  };

  async run(): Promise<object> {
    const { flags } = await this.parse(Demo);
    const folder = await freshFolder(flags.folder);
    const home = join(folder, 'home');
    const startMs = systemClock.now() - storyMs;
    const config = configFor(folder);
    await writeFiles(folder, home, { startMs, config });
    const context = { cwd: folder, env: {}, home, io: nodeIo, clock: systemClock };
    const document = checkConfig('not a usable config', config, 'Name another folder.');
    const settings = explicitSettings(document, context);
    const bucket = await this.openProvenBucket(settings);
    await tellStory({
      bucket,
      project,
      io: nodeIo,
      clock: systemClock,
      stateFolder: join(home, '.tracecraft', 'demo'),
      patch: join(folder, 'patch-auth.diff'),
      startMs,
    });
    await this.mirror(settings, home, bucket);
    const layout = bucketLayout(project);
    const page = await writeReplay({
      bucket,
      layout,
      reader: new RunReader(bucket, layout, { remembers: false }),
      path: join(folder, 'replay.html'),
      force: false,
      selection: {},
      followMs: null,
      redactor: redactorOf(settings, knownFromHere(settings, process.env)),
    });
    this.say(
      `Three agents worked on ${project}: ${plural(page.entries, 'event')}, ${plural(page.sessions, 'session')}, ${plural(page.lines, 'line')}.`,
    );
    this.print(page.path);
    this.note(`Everything is plain files: look around in ${join(folder, 'bucket', project)}`);
    if (await this.trustOwn(folder)) {
      this.note(`or run tracecraft there, e.g. "cd ${folder} && tracecraft log".`);
    }
    if (flags.open ?? process.stdout.isTTY) openInBrowser(page.path);
    const { path, entries, sessions, lines } = page;
    return { folder, page: path, project, events: entries, sessions, lines };
  }

  /** As `init` does with what it writes. An unwritable home folder must not spoil the demo. */
  private async trustOwn(folder: string): Promise<boolean> {
    const file = await readConfigFile(join(folder, projectConfigName), 'project');
    if (file === undefined) return false;
    const store = openTrustStore(this.surroundings, nodeIo, systemClock);
    try {
      await store.trust(file);
      return true;
    } catch (error) {
      if (!(error instanceof NotAllowedError)) throw error;
      this.warn(error.message);
      return false;
    }
  }

  private async mirror(
    settings: Settings,
    home: string,
    bucket: Parameters<typeof openMirroring>[0]['bucket'],
  ): Promise<void> {
    const watchers = await createWatchers({ io: nodeIo, clock: systemClock, env: {}, home });
    const { loop } = openMirroring({
      settings,
      bucket,
      watchers,
      selection: everything,
      events: noEvents,
      isPolling: true,
      isThorough: true,
      intervalMs: undefined,
      output: {
        ...quiet,
        trouble: (error) => this.warn(error.message),
      },
    });
    await loop.once(new AbortController().signal);
  }
}

const nothing = (): void => undefined;
const quiet = {
  taken: nothing,
  sessions: nothing,
  part: nothing,
  generation: nothing,
  compacted: () => undefined,
  well: nothing,
  note: nothing,
  close: nothing,
};

/** Refuses a folder that holds someone's files. */
async function freshFolder(named: string | undefined): Promise<string> {
  if (named === undefined) return mkdtemp(join(tmpdir(), 'tracecraft-demo-'));
  const folder = resolve(named);
  const present = await nodeIo.readdir(folder);
  if (present !== undefined && present.length > 0) {
    throw new UsageError(`not empty: ${folder}`, { hint: 'Name a folder that is not there yet.' });
  }
  await mkdir(folder, { recursive: true });
  return folder;
}

function configFor(folder: string): object {
  return { backend: 'local', bucket: join(folder, 'bucket'), project, agent_id: 'designer' };
}

async function writeFiles(
  folder: string,
  home: string,
  { startMs, config }: { readonly startMs: number; readonly config: object },
): Promise<void> {
  const files = [
    { path: join(folder, projectConfigName), body: `${JSON.stringify(config, null, 2)}\n` },
    { path: join(folder, 'patch-auth.diff'), body: patch },
    ...demoSessions
      .flatMap((session) => transcriptFiles(session, startMs))
      .map(({ path, body }) => ({ path: join(home, path), body })),
  ];
  for (const { path, body } of files) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, body, { mode: 0o600 });
  }
  await mkdir(join(folder, 'bucket'), { recursive: true });
}
