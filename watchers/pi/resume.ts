import { join } from 'node:path';
import { word } from '../../src/conversation/fields.js';
import { rowOn } from '../copied-rows.js';
import { copiedEntries } from '../pi-format/copied-entries.js';
import { isPlainId } from '../plain-id.js';
import {
  damagedStart,
  elsewhereNote,
  type HarnessResume,
  type RestorePlan,
  type RestoreRequest,
  wholeStream,
} from '../resume.js';
import { pi } from './description.js';
import { agentFolder } from './layout.js';

/** pi opens a transcript by its path, and goes on in the folder that its header names. */
export const piResume: HarnessResume = {
  modes: ['verbatim', 'as-new'],
  folder: agentFolder,
  isId: isPlainId,
  plan,
};

function plan({ mode, session, id, cwd, folder, streams }: RestoreRequest): RestorePlan {
  const own = streams.filter((stream) => stream.session === session);
  const header = rowOn(own.find(({ name }) => name === '')?.firstLine ?? Buffer.alloc(0));
  const path = ['sessions', folderName(cwd), `${startOf(header.timestamp)}_${id}.jsonl`];
  const isHeader = header.type === 'session' && header.id === session;
  const whole = isHeader ? wholeStream(path) : damagedStart;
  const isVerbatim = mode === 'verbatim';
  return {
    streams: [
      { session, stream: '', laying: isVerbatim ? whole : copiedEntries(path, { id, cwd }) },
    ],
    leftOut: own.map(({ name }) => name).filter((name) => name !== ''),
    commands: [['pi', '--session', join(folder, ...path)]],
    isRunnable: true,
    notes: isVerbatim ? elsewhereNote(pi.title, word(header.cwd), cwd) : [],
  };
}

/** As pi names the folder of a project's sessions. */
function folderName(cwd: string): string {
  return `--${cwd.replace(/^[/\\]/, '').replace(/[/\\:]/g, '-')}--`;
}

const start = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** As in the names of its files. */
function startOf(timestamp: unknown): string {
  const text = word(timestamp) ?? '';
  return (start.test(text) ? text : new Date(0).toISOString()).replace(/[:.]/g, '-');
}
