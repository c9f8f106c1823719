import { fields, list, opened, text } from '../../conversation/fields.js';

/** One piece of a conversation. */
export interface Block {
  readonly kind: 'prompt' | 'answer' | 'thinking' | 'call' | 'result' | 'note';
  readonly text: string;
  /** Of a call or its result: the tool. */
  readonly title?: string;
  readonly isError?: boolean;
  /** Of a call that runs one: the shell command. */
  readonly command?: string;
}

/** One line of a transcript as people read it. Without blocks there is nothing to read but its JSON. */
export interface Row {
  /** What the harness calls such a row. */
  readonly label: string;
  /** Milliseconds since the epoch; `undefined` where the row does not say. */
  readonly timeMs: number | undefined;
  readonly blocks: readonly Block[];
}

export function isoMs(value: unknown): number | undefined {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

export function json(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? '');
}

/** The text of a message's content: a string, or parts of which some have text. What has none is named. */
export function contentText(content: unknown): string | undefined {
  if (typeof content === 'string') return text(content);
  const parts = list(content).map((part) => {
    const { type, text: said } = fields(part);
    return text(said) ?? (typeof part === 'string' ? part : `[${String(type ?? 'part')}]`);
  });
  return parts.length === 0 ? undefined : parts.join('\n');
}

/** A call as it is shown: a shell command as such, anything else as its JSON. */
export function callBlock(name: unknown, input: unknown): Block {
  const title = text(name) ?? 'tool';
  const args = opened(input);
  const said = fields(args).command ?? fields(args).cmd;
  const command = Array.isArray(said) ? said.map(String).join(' ') : text(said);
  return command === undefined
    ? { kind: 'call', title, text: json(args) }
    : { kind: 'call', title, text: command, command };
}

export function blockOf(kind: Block['kind'], said: string | undefined): readonly Block[] {
  return said === undefined ? [] : [{ kind, text: said }];
}
