import { parse } from 'yaml';
import { type Fields, fields, word } from '../../src/conversation/fields.js';
import type { SessionFacts } from '../../src/mirror/stream.js';
import { exactFact, timeFact, titleFact } from '../fact-text.js';
import { type Facts, foldTellingRow, withFacts } from '../files/row-facts.js';

const telling =
  /"type"\s*:\s*"(?:session\.(?:start|resume|context_changed|model_change)|assistant\.message)"/;

export function foldCopilotRow(line: Buffer, before: SessionFacts): SessionFacts {
  return foldTellingRow(line, before, telling, factsOf);
}

/** The model is that of the session, not of a sub-agent. */
function factsOf({ type, data, agentId }: Fields, before: SessionFacts): Facts {
  if (agentId !== undefined) return {};
  const told = fields(data);
  const context = type === 'session.context_changed' ? told : fields(told.context);
  const isStart = type === 'session.start';
  return {
    cwd: before.cwd ?? exactFact(word(context.cwd)),
    gitBranch: exactFact(word(context.branch)),
    model: exactFact(word(told.selectedModel) ?? word(told.newModel) ?? word(told.model)),
    harnessVersion: isStart ? exactFact(word(told.copilotVersion)) : undefined,
    startedAt: isStart ? (before.startedAt ?? timeFact(word(told.startTime))) : undefined,
  };
}

/** What `workspace.yaml` says; `summary` was the name in early releases. */
export function factsOfWorkspace(text: string): SessionFacts {
  const { name, summary } = fields(workspaceIn(text));
  const named = titleFact(word(name) ?? word(summary) ?? '');
  return withFacts({}, { named: named === '' ? undefined : named });
}

/** Nothing else in it is needed to resume a session, or says more than its events. */
const kept = ['id', 'name', 'user_named', 'summary', 'cwd', 'git_root', 'branch', 'created_at'];

/** The document, reduced; no alias may blow it up. */
export function workspaceIn(text: string): Fields {
  const document = fields(parse(text, { maxAliasCount: 0 }));
  const names = kept.filter((name) => ['string', 'boolean'].includes(typeof document[name]));
  return Object.fromEntries(names.map((name) => [name, document[name]]));
}
