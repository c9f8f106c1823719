import { readerOf } from '../../../watchers/readers.js';
import type { PageHeader } from '../page/data.js';
import type { Lines } from './data.js';

export interface TranscriptHit {
  readonly stream: number;
  readonly line: number;
  readonly role: string;
  /** The words with some of the text around them. */
  readonly excerpt: string;
}

export interface SearchProgress {
  readonly hits: readonly TranscriptHit[];
  /** From 0 to 1. */
  readonly share: number;
  /** It stopped at the maximum number of hits. */
  readonly isCut: boolean;
}

/** Nobody reads more hits than this. */
const mostHits = 300;
/** Characters around the first word. */
const around = 90;

/** Searches the text of the transcripts, chunk by chunk; `onProgress` is called after each. */
export async function searchTranscripts(
  { streams, chunks }: PageHeader,
  lines: Lines,
  words: readonly string[],
  onProgress: (progress: SearchProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  const hits: TranscriptHit[] = [];
  const own = chunks.filter(([stream]) => stream !== 0);
  for (const [index, [stream, first, count]] of own.entries()) {
    const texts = await lines.range(stream, first, first + count).catch(() => []);
    if (signal.aborted) return;
    const harness = streams[stream]?.harness ?? '';
    for (const [at, text] of texts.entries()) {
      const hit = hitIn(harness, text, words);
      if (hit !== undefined) hits.push({ ...hit, stream, line: first + at });
    }
    const isCut = hits.length >= mostHits;
    onProgress({ hits: hits.slice(0, mostHits), share: (index + 1) / own.length, isCut });
    if (isCut) return;
  }
}

function hitIn(
  harness: string,
  line: string,
  words: readonly string[],
): Pick<TranscriptHit, 'role' | 'excerpt'> | undefined {
  if (!mayHave(line, words)) return undefined;
  try {
    const said = readerOf(harness)?.textOf(JSON.parse(line));
    if (said === undefined) return undefined;
    const lower = said.text.toLowerCase();
    if (!words.every((word) => lower.includes(word))) return undefined;
    const role = said.tool === undefined ? said.role : `${said.role}, ${said.tool}`;
    return { role, excerpt: excerptOf(said.text, lower.indexOf(words[0] ?? '')) };
  } catch {
    return undefined;
  }
}

/**
 * Most lines contain none of the words; for words that JSON does not escape, the raw line shows it.
 */
function mayHave(line: string, words: readonly string[]): boolean {
  const lower = line.toLowerCase();
  return words.every((word) => lower.includes(word) || !/^[\w.:@-]+$/.test(word));
}

function excerptOf(text: string, at: number): string {
  const [from, to] = [Math.max(0, at - around), at + 2 * around];
  const cut = text.slice(from, to).replace(/\s+/g, ' ').trim();
  return `${from > 0 ? '…' : ''}${cut}${to < text.length ? '…' : ''}`;
}
