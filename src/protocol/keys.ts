import {
  checkArtifactName,
  checkMemoryKey,
  checkName,
  encodeId,
  encodeStreamName,
  stepId,
} from './names.js';

/**
 * Every key tracecraft reads or writes, below `<project>/`. Names are checked here, so a hostile
 * one is refused before any request. `docs/bucket-layout.md` describes the same in words.
 */
export interface Layout {
  readonly project: string;
  readonly root: string;
  agents(): string;
  agent(agent: string): string;
  memories(): string;
  memory(key: string): string;
  memoryHistory(key: string): string;
  messages(recipient: string): string;
  message(recipient: string, stamp: Stamp): string;
  broadcasts(): string;
  broadcast(stamp: Stamp): string;
  cursor(agent: string): string;
  steps(): string;
  /** Which steps are planned, and what each needs first. */
  plan(): string;
  claim(step: string): string;
  status(step: string): string;
  handoff(step: string): string;
  artifacts(): string;
  artifact(step: string, name: string): string;
  events(): string;
  event(stamp: Stamp): string;
  /** All main streams of a harness; with a delimiter, one entry per session. */
  sessions(harness: string): string;
  /** All further streams of a harness. */
  furtherStreams(harness: string): string;
  session(harness: string, sessionId: string): string;
  meta(harness: string, sessionId: string): string;
  /** The whole main stream as one object: `transcript.jsonl`, or `trace.jsonl`. */
  compacted(harness: string, sessionId: string, format: CompactFormat): string;
  /** What that object was made from. */
  compaction(harness: string, sessionId: string, format: CompactFormat): string;
  /** Distinguishes this bucket from another that has taken its place. */
  identity(): string;
  /** What a machine's watch knows about the sessions it mirrored; derived, never load-bearing. */
  indexes(): string;
  /** One file of that index: `live`, or a month. */
  index(writer: string, file: string): string;
  /** What the sessions of that file used. */
  usagePage(writer: string, file: string): string;
  /** Packs that all machines search in; derived, never load-bearing. */
  searchPacks(): string;
  /** `indexer`: the machine that wrote it. */
  searchPack(indexer: string, name: string): string;
  /** Changes before anything that packs may hold is removed or rewritten on purpose. */
  searchPurge(): string;
  /** Which machines write, on stores that do not arbitrate. */
  writers(): string;
  /** Where a stream's parts and generation records are; '' is the main stream. */
  stream(harness: string, sessionId: string, stream: string): string;
  /** Where all further streams of one session are. */
  /** Further streams of all sessions of a harness. */
  streams(harness: string): string;
  streamsOf(harness: string, sessionId: string): string;
  /** All records of removed sessions. */
  removals(): string;
  /** What says that a session was removed, and by whom. */
  removal(harness: string, sessionId: string): string;
}

/** `raw`: the lines as they are; `trace`: rows for viewers of Claude Code's transcripts. */
export type CompactFormat = 'raw' | 'trace';

/** Makes a key unique and sortable: nanoseconds of store time (19 digits), the writer, 8 random hex digits. */
export interface Stamp {
  readonly timeNs: bigint;
  readonly agent: string;
  readonly id: string;
}

export function bucketLayout(project: string): Layout {
  const root = `${checkName('project', project)}/`;
  const step = (id: string): string => `${root}steps/${stepId(id)}`;
  const mailbox = (recipient: string): string =>
    `${root}messages/${checkName('agent', recipient)}/`;
  const session = (harness: string, id: string): string =>
    `${root}sessions/${checkName('harness', harness)}/${encodeId(id)}/`;
  const streams = (harness: string): string => `${root}streams/${checkName('harness', harness)}/`;
  const streamsOf = (harness: string, id: string): string => `${streams(harness)}${encodeId(id)}/`;
  return {
    project,
    root,
    agents: () => `${root}agents/`,
    agent: (agent) => `${root}agents/${checkName('agent', agent)}.json`,
    memories: () => `${root}memory/`,
    memory: (key) => `${root}memory/${checkMemoryKey(key)}.json`,
    memoryHistory: (key) => `${root}memory/_history/${checkMemoryKey(key)}/`,
    messages: mailbox,
    message: (recipient, stamp) => `${mailbox(recipient)}${stampName(stamp)}.json`,
    broadcasts: () => `${root}messages/_broadcast/`,
    broadcast: (stamp) => `${root}messages/_broadcast/${stampName(stamp)}.json`,
    cursor: (agent) => `${root}inboxes/${checkName('agent', agent)}/cursor.json`,
    steps: () => `${root}steps/`,
    plan: () => `${root}plan.json`,
    claim: (id) => `${step(id)}/claim.json`,
    status: (id) => `${step(id)}/status.json`,
    handoff: (id) => `${step(id)}/handoff.json`,
    artifacts: () => `${root}artifacts/`,
    artifact: (id, name) => `${root}artifacts/${stepId(id)}/${checkArtifactName(name)}`,
    events: () => `${root}events/`,
    event: (stamp) => `${root}events/${stampName(stamp)}.json`,
    sessions: (harness) => `${root}sessions/${checkName('harness', harness)}/`,
    furtherStreams: (harness) => `${root}streams/${checkName('harness', harness)}/`,
    session,
    meta: (harness, id) => `${session(harness, id)}meta.json`,
    compacted: (harness, id, format) => `${session(harness, id)}${compactLeaf(format)}.jsonl`,
    compaction: (harness, id, format) => `${session(harness, id)}_${compactLeaf(format)}.json`,
    identity: () => `${root}_bucket.json`,
    ...derivedKeys(root),
    writers: () => `${root}_writer.json`,
    stream: (harness, id, name) =>
      name === '' ? session(harness, id) : `${streamsOf(harness, id)}${encodeStreamName(name)}/`,
    streams,
    streamsOf,
    removals: () => `${root}removed/`,
    removal: (harness, id) =>
      `${root}removed/${checkName('harness', harness)}/${encodeId(id)}.json`,
  };
}

export const usagePageSuffix = '.usage.json';

/** Of what can be deleted at any time. */
function derivedKeys(
  root: string,
): Pick<Layout, 'indexes' | 'index' | 'usagePage' | 'searchPacks' | 'searchPack' | 'searchPurge'> {
  const packs = `${root}search/v1/`;
  return {
    indexes: () => `${root}_index/`,
    index: (writer, file) => `${root}_index/${checkName('writer', writer)}/${file}.jsonl`,
    usagePage: (writer, file) =>
      `${root}_index/${checkName('writer', writer)}/${file}${usagePageSuffix}`,
    searchPacks: () => packs,
    searchPack: (indexer, name) => `${packs}${checkName('writer', indexer)}/${name}`,
    searchPurge: () => `${packs}purge.json`,
  };
}

function compactLeaf(format: CompactFormat): string {
  return format === 'raw' ? 'transcript' : 'trace';
}

export function stampName(stamp: Stamp): string {
  const time = String(stamp.timeNs).padStart(19, '0');
  return `${time}_${checkName('agent', stamp.agent)}_${stamp.id}`;
}

/** `undefined` for a name that is not ours; readers skip such keys without an error. */
export function parseStampName(leaf: string): Stamp | undefined {
  const match = /^(\d{19})_([A-Za-z0-9-][A-Za-z0-9._-]{0,127})_([a-f0-9]{8})\.json$/.exec(leaf);
  if (match?.[1] === undefined || match[2] === undefined || match[3] === undefined)
    return undefined;
  return { timeNs: BigInt(match[1]), agent: match[2], id: match[3] };
}
