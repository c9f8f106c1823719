import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What one prompt sent: the whole body, as text and as JSON. */
export interface AskedOf {
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}

/** A model on loopback that answers every prompt with two words, in the dialects of both clients. */
export interface ScriptedModel {
  readonly port: number;
  /** Prompts so far, oldest first. */
  readonly asked: readonly AskedOf[];
  close(): Promise<void>;
}

export async function startScriptedModel(): Promise<ScriptedModel> {
  const asked: AskedOf[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const dialect = /\/(messages|responses)(?:\?|$)/.exec(request.url ?? '')?.[1];
      const text = Buffer.concat(chunks).toString('utf8');
      if (dialect === undefined) {
        response.end(JSON.stringify({ data: [], models: [], input_tokens: 1 }));
        return;
      }
      asked.push({ text, json: JSON.parse(text) });
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const event of dialect === 'messages' ? messages() : responses(asked.length)) {
        send(response, event);
      }
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

type Event = { readonly type: string } & Readonly<Record<string, unknown>>;

function send(response: ServerResponse, event: Event): void {
  response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
}

const said = 'well noted';

function messages(): readonly Event[] {
  const usage = { input_tokens: 1, output_tokens: 2 };
  const empty = { id: 'msg_1', type: 'message', role: 'assistant', model: 'scripted' };
  const message = { ...empty, content: [], stop_reason: null, stop_sequence: null, usage };
  return [
    { type: 'message_start', message },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: said } },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage },
    { type: 'message_stop' },
  ];
}

function responses(number: number): readonly Event[] {
  const id = `resp_${number}`;
  const content = [{ type: 'output_text', text: said, annotations: [] }];
  const item = { type: 'message', id: `item_${number}`, role: 'assistant', content };
  const usage = { input_tokens: 1, output_tokens: 2, total_tokens: 3 };
  return [
    { type: 'response.created', response: { id } },
    { type: 'response.output_item.done', output_index: 0, item },
    { type: 'response.completed', response: { id, usage } },
  ];
}
