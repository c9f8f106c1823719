import { type Fields, word } from '../src/conversation/fields.js';
import { rowOn } from './copied-rows.js';
import {
  isFileName,
  type LaidStream,
  type Laying,
  type RestorePlan,
  type RestoreRequest,
} from './resume.js';

/** A document that its harness replaces as a whole: its last state, if there is one. */
export function lastDocument(
  path: readonly string[],
  render: (document: Fields) => string = (document) => JSON.stringify(document),
): Laying {
  let last: Fields | undefined;
  return {
    line: (line) => {
      const document = rowOn(line);
      if (Object.keys(document).length > 0) last = document;
      return [];
    },
    end: () =>
      last === undefined ? [] : [{ path, bytes: Buffer.from(render(last)), isReplaced: true }],
  };
}

/** Files that were written once: each line is one, named by its id. */
export function textFiles(folder: readonly string[], type: string, suffix: string): Laying {
  const taken = new Set<string>();
  let refused: string | undefined;
  return {
    line: (line) => {
      const row = rowOn(line);
      const [id, text] = [word(row.id), row.text];
      if (row.type !== type || id === undefined || typeof text !== 'string') return [];
      if (!isFileName(id)) refused ??= id;
      if (!isFileName(id) || taken.has(id)) return [];
      taken.add(id);
      return [{ path: [...folder, id + suffix], bytes: Buffer.from(text) }];
    },
    problem: () =>
      refused === undefined
        ? undefined
        : {
            kind: 'unsafe',
            text: `a ${type} would be written to ${JSON.stringify(refused.slice(0, 80))}`,
            hint: 'Whoever wrote that to the bucket meant harm: look at it before you use it.',
          },
  };
}

/** The session's own streams: those that are laid, and the names of those without a laying. */
export function laidStreams(
  { session, streams }: RestoreRequest,
  layingOf: (stream: string) => Laying | undefined,
): Pick<RestorePlan, 'streams' | 'leftOut'> {
  const laid: LaidStream[] = [];
  const leftOut: string[] = [];
  for (const { name } of streams.filter((stream) => stream.session === session)) {
    const laying = layingOf(name);
    if (laying === undefined) leftOut.push(name);
    else laid.push({ session, stream: name, laying });
  }
  return { streams: transcriptLast(laid), leftOut };
}

/** The transcript makes a session exist, so it is laid last. */
function transcriptLast(streams: readonly LaidStream[]): readonly LaidStream[] {
  const rank = ({ stream }: LaidStream): number => Number(stream === '');
  return [...streams].sort((left, right) => rank(left) - rank(right));
}
