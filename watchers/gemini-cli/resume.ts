import { basename } from 'node:path';
import { isoMs, word } from '../../src/conversation/fields.js';
import { rowOn } from '../copied-rows.js';
import { isUuid } from '../files/path-rules.js';
import { laidStreams, textFiles } from '../layings.js';
import {
  type Chunk,
  type HarnessResume,
  type Laying,
  type RestorePlan,
  type RestoreRequest,
  wholeStream,
} from '../resume.js';
import { homeFolder } from './layout.js';
import { copiedRecords } from './resume/copied-records.js';

/**
 * Gemini CLI finds a session by the id in a transcript's header, among those of the project that it is started in. A note
 * next to them says which folder that is.
 */
export const geminiCliResume: HarnessResume = {
  modes: ['verbatim', 'as-new'],
  folder: homeFolder,
  isId: isUuid,
  plan,
};

function plan(request: RestoreRequest): RestorePlan {
  const { mode, session, id, cwd, streams } = request;
  const project = ['tmp', slugOf(cwd)];
  const main = streams.find((stream) => stream.session === session && stream.name === '');
  const header = rowOn(main?.firstLine ?? Buffer.alloc(0));
  const path = [...project, 'chats', fileName(header.startTime, id)];
  const layingOf = (name: string): Laying | undefined => {
    if (name !== '') return mode === 'verbatim' ? besideIt(name, project, session) : undefined;
    const laying = mode === 'verbatim' ? wholeStream(path) : copiedRecords(path, { id, cwd });
    return withRoot(laying, [...project, '.project_root'], cwd);
  };
  return {
    ...laidStreams(request, layingOf),
    commands: [['gemini', '-r', id]],
    isRunnable: true,
    notes: [
      'Some releases of Gemini CLI delete a session that was resumed when they are started again: keep "tracecraft watch" running.',
    ],
  };
}

/** As Gemini CLI names the folder of a project that it does not know yet. */
function slugOf(cwd: string): string {
  const dashed = basename(cwd)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  return dashed === '' ? 'project' : dashed;
}

function fileName(startTime: unknown, id: string): string {
  const minute = new Date(isoMs(word(startTime)) ?? 0).toISOString().slice(0, 16).replace(':', '-');
  return `session-${minute}-${id.slice(0, 8)}.jsonl`;
}

function besideIt(name: string, project: readonly string[], session: string): Laying | undefined {
  if (name === 'tool-outputs') {
    return textFiles([...project, name, `session-${session}`], 'tool-output', '.txt');
  }
  const [kind, agent, ...deeper] = name.split('/');
  return kind === 'agents' && isUuid(agent) && deeper.length === 0
    ? wholeStream([...project, 'chats', session, `${agent}.jsonl`])
    : undefined;
}

/** The note comes before the transcript. If another folder has that name, it says so, and nothing is put in place. */
function withRoot(laying: Laying, path: readonly string[], cwd: string): Laying {
  let isNoted = false;
  const noted = (chunks: readonly Chunk[]): readonly Chunk[] => {
    if (isNoted) return chunks;
    isNoted = true;
    return [{ path, bytes: Buffer.from(cwd) }, ...chunks];
  };
  const { block } = laying;
  return {
    ...laying,
    line: (line) => noted(laying.line(line)),
    ...(block === undefined ? {} : { block: (lines) => noted(block(lines)) }),
  };
}
