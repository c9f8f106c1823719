import { stringify } from 'yaml';
import { word } from '../../src/conversation/fields.js';
import { laidStreams, lastDocument, textFiles } from '../layings.js';
import {
  type HarnessResume,
  isUuid,
  type Laying,
  type RestorePlan,
  type RestoreRequest,
  wholeStream,
} from '../resume.js';
import { homeFolder } from './layout.js';
import { copiedEvents } from './resume/copied-events.js';

/** Copilot CLI finds a session by the name of its folder, and takes its title from the document next to the events. */
export const copilotResume: HarnessResume = {
  modes: ['verbatim', 'as-new'],
  folder: homeFolder,
  isId: isUuid,
  plan,
};

const events = '';
const workspace = 'workspace';

function plan(request: RestoreRequest): RestorePlan {
  const { mode, id, cwd } = request;
  const folder = ['session-state', id];
  return {
    ...laidStreams(request, (stream) =>
      mode === 'verbatim' ? asItWas(stream, folder) : copied(stream, folder, { id, cwd }),
    ),
    commands: [['copilot', `--resume=${id}`]],
    isRunnable: true,
    notes: [],
  };
}

/** What a repair set aside is not looked at again. */
function asItWas(stream: string, folder: readonly string[]): Laying | undefined {
  if (stream === events) return wholeStream([...folder, 'events.jsonl']);
  if (stream === workspace)
    return lastDocument([...folder, 'workspace.yaml'], (document) => stringify(document));
  return stream === 'checkpoints' ? textFiles([...folder, stream], 'checkpoint', '.md') : undefined;
}

/** Sub-agents' steps and checkpoints are summed up in what stays. */
function copied(
  stream: string,
  folder: readonly string[],
  { id, cwd }: { readonly id: string; readonly cwd: string },
): Laying | undefined {
  if (stream === events) return copiedEvents([...folder, 'events.jsonl'], { id, cwd });
  if (stream !== workspace) return undefined;
  return lastDocument([...folder, 'workspace.yaml'], (document) => {
    const name = word(document.name) ?? word(document.summary);
    return stringify({ id, cwd, ...(name === undefined ? {} : { name, user_named: true }) });
  });
}
