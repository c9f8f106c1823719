import { word } from '../../src/conversation/fields.js';
import { rowOn } from '../copied-rows.js';
import { isUuid } from '../files/path-rules.js';
import { lastDocument, transcriptLast } from '../layings.js';
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

function verbatim({ session, cwd, streams }: RestoreRequest): RestorePlan {
  const own = streams.filter((stream) => stream.session === session);
  const recorded = word(rowOn(own.find(({ name }) => name === '')?.firstLine ?? noLine).cwd);
  const layings = own.map(({ name }) => ({
    name,
    laying: layingOf(name, projectPath(cwd), session),
  }));
  const laid = layings.flatMap(({ name, laying }) =>
    laying === undefined ? [] : [{ session, stream: name, laying }],
  );
  return {
    streams: transcriptLast(laid),
    leftOut: layings.filter(({ laying }) => laying === undefined).map(({ name }) => name),
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
