import { createHash } from 'node:crypto';
import { finite, word } from '../../src/conversation/fields.js';
import { laidStreams, lastDocument } from '../layings.js';
import {
  type HarnessResume,
  isFileName,
  isUuid,
  type Laying,
  type RestorePlan,
  type RestoreRequest,
  wholeStream,
} from '../resume.js';
import { homeFolder } from './layout.js';
import { copiedWire } from './resume/copied-wire.js';

/** Kimi Code finds a session by the name of its folder, and only if its state lies next to its wire. */
export const kimiCodeResume: HarnessResume = {
  modes: ['verbatim', 'as-new'],
  folder: homeFolder,
  isId: (id) => id.startsWith(prefix) && isUuid(id.slice(prefix.length)),
  idOf: (uuid) => prefix + uuid,
  plan,
};

const prefix = 'session_';

function plan(request: RestoreRequest): RestorePlan {
  const { mode, session, id, cwd, streams } = request;
  const folder = ['sessions', workspaceOf(cwd), id];
  const hasState = streams.some((one) => one.session === session && one.name === 'state');
  return {
    ...laidStreams(request, (stream) =>
      mode === 'verbatim' ? asItWas(stream, folder) : copied(stream, folder, { id, cwd }),
    ),
    ...(mode === 'verbatim' ? { commands: [['kimi', '-r', id]], isRunnable: true } : withModel(id)),
    notes: [...(mode === 'verbatim' ? [] : [modelNote]), ...(hasState ? [] : [lostNote])],
  };
}

/** A copy has no profile, and thus no model. */
function withModel(id: string): Pick<RestorePlan, 'commands' | 'isRunnable'> {
  return { commands: [['kimi', '-r', id, '-m', 'MODEL']], isRunnable: false };
}

const modelNote = 'Put the name of one of your models in place of MODEL.';
const lostNote =
  'Its state is not in the bucket, and Kimi Code does not find a session without it.';

/** As Kimi Code names the folder of a project. */
function workspaceOf(cwd: string): string {
  const folder = cwd.replace(/\\/g, '/').replace(/\/+$/, '');
  const name = (folder.split('/').at(-1) ?? '')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40)
    .replace(/^-+|-+$/g, '');
  const slug = ['', '.', '..'].includes(name) ? 'workspace' : name;
  return `wd_${slug}_${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`;
}

function asItWas(stream: string, folder: readonly string[]): Laying | undefined {
  if (stream === 'state') return lastDocument([...folder, 'state.json']);
  if (stream === '') return wholeStream([...folder, 'agents', 'main', 'wire.jsonl']);
  const [kind, agent = '', ...deeper] = stream.split('/');
  const isAgent = deeper.length === 0 && isFileName(agent) && !agent.startsWith('.');
  if (!isAgent) return undefined;
  if (kind === 'agents') return wholeStream([...folder, 'agents', agent, 'wire.jsonl']);
  return kind === 'backups'
    ? wholeStream([...folder, 'agents', agent, 'wire.jsonl.bak'])
    : undefined;
}

function copied(
  stream: string,
  folder: readonly string[],
  { id, cwd }: { readonly id: string; readonly cwd: string },
): Laying | undefined {
  if (stream === '') return copiedWire([...folder, 'agents', 'main', 'wire.jsonl']);
  if (stream !== 'state') return undefined;
  return lastDocument([...folder, 'state.json'], (state) => {
    const title = word(state.title);
    const named = title === undefined ? {} : { title, isCustomTitle: true };
    const createdAt = finite(state.createdAt) ?? 0;
    const updatedAt = finite(state.updatedAt) ?? createdAt;
    const agents = { main: { type: 'main' } };
    return JSON.stringify({ id, version: 2, cwd, createdAt, updatedAt, agents, ...named });
  });
}
