import { expect } from 'vitest';
import type { Chunk, HarnessResume, RestoreRequest, StoredStream } from '../../watchers/resume.js';

export const newId = '7b0c1c2e-58a1-4c7d-9d52-0f4a5e1d2c3b';

/** Lines as they are stored, by `session/stream`. */
export type Chains = Readonly<Record<string, readonly string[]>>;

export function storedStreams(chains: Chains): readonly StoredStream[] {
  return Object.entries(chains).map(([key, lines]) => {
    const [session = '', ...name] = key.split('/');
    return { session, name: name.join('/'), firstLine: lineOf(lines[0] ?? '') };
  });
}

export function requestOf(
  session: string,
  chains: Chains,
  more: Partial<RestoreRequest> = {},
): RestoreRequest {
  const mode = more.mode ?? 'verbatim';
  return {
    mode,
    session,
    id: mode === 'verbatim' ? session : newId,
    cwd: '/work/here',
    folder: '/home/me/.harness',
    streams: storedStreams(chains),
    ...more,
  };
}

/** What a plan makes of the chains: its files, and what it says against them. */
export function laid(resume: HarnessResume, request: RestoreRequest, chains: Chains) {
  const { plan, files, problems } = laidOut(resume, request, chains, false);
  // Many lines at once make the same of them.
  expect(laidOut(resume, request, chains, true)).toMatchObject({ files, problems });
  return { plan, files, problems };
}

function laidOut(
  resume: HarnessResume,
  request: RestoreRequest,
  chains: Chains,
  isInBlocks: boolean,
) {
  const plan = resume.plan(request);
  const files = new Map<string, string>();
  const problems: string[] = [];
  const add = (chunks: readonly Chunk[] = []): void => {
    for (const { path, bytes } of chunks) {
      const name = path.join('/');
      files.set(name, (files.get(name) ?? '') + bytes.toString());
    }
  };
  for (const { session, stream, laying } of plan.streams) {
    const lines = (chains[`${session}/${stream}`] ?? []).map(lineOf);
    for (const line of lines) laying.measure?.(line);
    if (isInBlocks && laying.block !== undefined) add(laying.block(Buffer.concat(lines)));
    else for (const line of lines) add(laying.line(line));
    add(laying.end?.());
    const problem = laying.problem?.();
    if (problem !== undefined) problems.push(problem.kind);
  }
  return { plan, files, problems };
}

export function lineOf(text: string): Buffer {
  return Buffer.from(`${text}\n`);
}

export function rowsOf(text: string | undefined): readonly Record<string, unknown>[] {
  return (text ?? '')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}
