import { word } from '../../src/conversation/fields.js';
import { rowOn } from '../copied-rows.js';
import { isUuid } from '../files/path-rules.js';
import { laidStreams, lastDocument } from '../layings.js';
import {
  elsewhereNote,
  type HarnessResume,
  isFileName,
  type Laying,
  type RestorePlan,
  type RestoreRequest,
  wholeStream,
} from '../resume.js';
import { qwenCode } from './description.js';
import { foldersOf } from './layout.js';
import { copiedChat } from './resume/copied-chat.js';

/** Qwen Code finds a transcript in the folder of the project that its first row names, and nowhere else. */
export const qwenCodeResume: HarnessResume = {
  modes: ['verbatim', 'as-new'],
  folder: (surroundings) => foldersOf(surroundings).runtime,
  isId: isUuid,
  plan: (request) => (request.mode === 'verbatim' ? verbatim(request) : asNew(request)),
};

function verbatim(request: RestoreRequest): RestorePlan {
  const { session, cwd, streams } = request;
  const chat = streams.find((stream) => stream.session === session && stream.name === '');
  const recorded = word(rowOn(chat?.firstLine ?? noLine).cwd);
  return {
    ...laidStreams(request, (stream) => layingOf(stream, projectPath(cwd), session)),
    commands: [['qwen', '-r', session]],
    isRunnable: true,
    notes: elsewhereNote(qwenCode.title, recorded, cwd),
  };
}

const noLine = Buffer.alloc(0);

function asNew({ session, id, cwd, streams }: RestoreRequest): RestorePlan {
  const path = [...projectPath(cwd), 'chats', `${id}.jsonl`];
  return {
    streams: [{ session, stream: '', laying: copiedChat(path, { id, cwd }) }],
    leftOut: streams.map(({ name }) => name).filter((name) => name !== ''),
    commands: [['qwen', '-r', id]],
    isRunnable: true,
    notes: [],
  };
}

function projectPath(cwd: string): readonly string[] {
  return ['projects', cwd.replace(/[^A-Za-z0-9]/g, '-')];
}

function layingOf(stream: string, project: readonly string[], session: string): Laying | undefined {
  if (stream === '') return wholeStream([...project, 'chats', `${session}.jsonl`]);
  const [kind, file = '', ...deeper] = stream.split('/');
  const isAgent = kind === 'subagents' && deeper.length === 0 && file.startsWith('agent-');
  if (!isAgent || !isFileName(file)) return undefined;
  const folder = [...project, 'subagents', session];
  return file.endsWith('.meta')
    ? lastDocument([...folder, `${file}.json`])
    : wholeStream([...folder, `${file}.jsonl`]);
}
