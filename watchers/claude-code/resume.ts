import { join } from 'node:path';
import { laidStreams, textFiles } from '../layings.js';
import {
  type Chunk,
  type HarnessResume,
  isFileName,
  isUuid,
  type Laying,
  type RestorePlan,
  type RestoreRequest,
  wholeStream,
} from '../resume.js';
import { subagentsFolder, toolResultSuffix, toolResultsFolder } from './layout.js';
import { copiedRows } from './resume/copied-rows.js';
import { DeferredCalls } from './resume/deferred-calls.js';

/**
 * Claude Code finds a transcript by its id in any project folder, and takes system prompt, permission mode and worktree
 * from the rows it reads; the flags of the command overrule what is recorded. A copy has none of these rows, and its
 * command no flag that an older Claude Code would refuse.
 */
export const claudeCodeResume: HarnessResume = {
  modes: ['verbatim', 'as-new'],
  folder: ({ env, home }) => configFolder(env.CLAUDE_CONFIG_DIR, home),
  isId: isUuid,
  plan: (request) => (request.mode === 'verbatim' ? verbatim(request) : asNew(request)),
};

const ownPrompt = ['--system-prompt-snapshot', 'off'];
const ownPermissions = ['--permission-mode', 'default'];
const ownPromptNote =
  'If your Claude Code does not know --system-prompt-snapshot, it reads no recorded prompt either: leave the flag out.';

/** Users of other tools name several folders; Claude Code itself would take the text as one. */
function configFolder(configured: string | undefined, home: string): string {
  const [first = ''] = (configured ?? '').split(',').map((one) => one.trim());
  return first === '' ? join(home, '.claude') : first;
}

function verbatim(request: RestoreRequest): RestorePlan {
  const { session, cwd } = request;
  const beside = [...projectPath(cwd), session];
  return {
    ...laidStreams(request, (stream) => layingOf(stream, beside)),
    commands: [['claude', '--resume', session, ...ownPrompt, ...ownPermissions]],
    isRunnable: true,
    notes: [ownPromptNote],
  };
}

function asNew({ session, id, cwd, streams }: RestoreRequest): RestorePlan {
  const path = [...projectPath(cwd), `${id}.jsonl`];
  return {
    streams: [{ session, stream: '', laying: copiedRows(path, id, cwd) }],
    leftOut: streams.map(({ name }) => name).filter((name) => name !== ''),
    commands: [['claude', '--resume', id, ...ownPermissions]],
    isRunnable: true,
    notes: [],
  };
}

const longestProject = 200;

/** Longer names end with a digest that differs between releases; `--resume` finds the session in any folder. */
function projectPath(cwd: string): readonly string[] {
  const dashed = cwd.replace(/[^A-Za-z0-9]/g, '-');
  const name = dashed.length > longestProject ? dashed.slice(0, longestProject) : dashed;
  return ['projects', name];
}

/** `undefined` for what Claude Code would not look at: copies of another file, or an unknown kind of stream. */
function layingOf(stream: string, beside: readonly string[]): Laying | undefined {
  const transcript = `${beside.at(-1) ?? ''}.jsonl`;
  if (stream === '') return mainRows([...beside.slice(0, -1), transcript]);
  if (stream === toolResultsFolder) {
    return textFiles([...beside, toolResultsFolder], 'tool-result', toolResultSuffix);
  }
  const names = stream.split('/');
  const file = names.at(-1) ?? '';
  const isBelow = names.length > 1 && names[0] === subagentsFolder && names.every(isFileName);
  if (!isBelow || !file.startsWith('agent-')) return undefined;
  const folder = [...beside, ...names.slice(0, -1)];
  if (file.endsWith('.meta')) return lastLine([...folder, `${file}.json`]);
  return wholeStream([...folder, `${file}.jsonl`]);
}

function mainRows(path: readonly string[]): Laying {
  const deferred = new DeferredCalls();
  const seen = (bytes: Buffer): readonly Chunk[] => {
    deferred.see(bytes);
    return [{ path, bytes }];
  };
  return {
    line: seen,
    block: seen,
    problem: () => deferred.problem(),
  };
}

/** A document that is replaced as a whole: its last state. */
function lastLine(path: readonly string[]): Laying {
  let last: Buffer | undefined;
  return {
    line: (line) => {
      last = line;
      return [];
    },
    end: () => (last === undefined ? [] : [{ path, bytes: withoutNewline(last) }]),
  };
}

function withoutNewline(line: Buffer): Buffer {
  return line.at(-1) === 0x0a ? line.subarray(0, -1) : line;
}
