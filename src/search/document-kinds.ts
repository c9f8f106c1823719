import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { isoMs } from '../conversation/fields.js';
import { handoffSchema } from '../protocol/coordination.js';
import { parseDocument } from '../protocol/documents.js';
import { eventSchema } from '../protocol/events.js';
import { type Layout, parseStampName } from '../protocol/keys.js';
import { mailSchema } from '../protocol/mail.js';
import { memoryKeyOf, parseMemory } from '../protocol/memory.js';
import { isName } from '../protocol/names.js';
import type { DocumentKind } from './kinds.js';
import { wordsIn } from './words-in.js';

/** What agents told each other, as far as it can be searched. */
export interface SearchedDocument {
  readonly kind: DocumentKind;
  /** Several objects may hold the same one, one of them as what holds now. */
  readonly identity: string;
  readonly isPresent: boolean;
  /** Of a message or an event, its id; of a memory, its key; of a handoff, its step. */
  readonly id: string;
  readonly key: string;
  readonly atMs: number | undefined;
  readonly by: string | null;
  /** For mail `null` is everyone. */
  readonly to: string | null;
  readonly step: string | null;
  /** For how often it changed: a memory's version, a step's epoch. */
  readonly version: number | undefined;
  readonly text: string;
  /** The command that shows it, if there is one for whoever searches. */
  readonly open: string | undefined;
}

interface StoredObject {
  readonly key: string;
  readonly body: Buffer;
  readonly modifiedAt: Date;
}

/** Where the documents of a kind are. */
export function documentFolders(layout: Layout, kind: DocumentKind): readonly string[] {
  switch (kind) {
    case 'mail':
      return [`${layout.root}messages/`];
    case 'memory':
      return [layout.memories()];
    case 'handoff':
      return [layout.steps()];
    case 'event':
      return [layout.events()];
  }
}

/** `false` for keys that need not be read. */
export function isDocument(kind: DocumentKind, key: string): boolean {
  return key.endsWith(kind === 'handoff' ? '/handoff.json' : '.json');
}

/** `undefined` for a key that is not of this kind; `DocumentError` for a document that cannot be read. */
export function readDocument(
  layout: Layout,
  kind: DocumentKind,
  object: StoredObject,
): SearchedDocument | undefined {
  switch (kind) {
    case 'mail':
      return mailIn(layout, object);
    case 'memory':
      return memoryIn(layout, object);
    case 'handoff':
      return handoffIn(layout, object);
    case 'event':
      return eventIn(layout, object);
  }
}

function mailIn(layout: Layout, { key, body }: StoredObject): SearchedDocument | undefined {
  const path = key.slice(`${layout.root}messages/`.length).split('/');
  const [recipient = '', leaf = ''] = path;
  const stamp = parseStampName(leaf);
  const isAll = recipient === '_broadcast';
  if (stamp === undefined || path.length !== 2 || !(isAll || isName(recipient))) return undefined;
  const { message, step } = parseDocument(mailSchema, key, body);
  return {
    kind: 'mail',
    identity: key,
    isPresent: true,
    id: stamp.id,
    key,
    atMs: Number(stamp.timeNs / 1_000_000n),
    by: stamp.agent,
    to: isAll ? null : recipient,
    step,
    version: undefined,
    text: message,
    open: undefined,
  };
}

function memoryIn(
  layout: Layout,
  { key, body, modifiedAt }: StoredObject,
): SearchedDocument | undefined {
  const folder = `${layout.memories()}_history/`;
  const [past = '', leaf = '', ...deeper] = key.startsWith(folder)
    ? key.slice(folder.length).split('/')
    : [];
  const isPast = isName(past) && parseStampName(leaf) !== undefined && deeper.length === 0;
  const name = isPast ? past : memoryKeyOf(layout, key);
  if (name === undefined) return undefined;
  const { value, version, set_by, set_at, deleted } = parseMemory(key, body);
  const text = `${name}\n${wordsIn(value)}`;
  return {
    kind: 'memory',
    identity: digestOf(name, set_by, set_at, text),
    isPresent: !isPast,
    id: name,
    key,
    atMs: isoMs(set_at) ?? modifiedAt.getTime(),
    by: set_by,
    to: null,
    step: null,
    version: version === 0 ? undefined : version,
    text,
    open: `tracecraft memory ${isPast || deleted === true ? 'history' : 'get'} ${name}`,
  };
}

function handoffIn(layout: Layout, { key, body }: StoredObject): SearchedDocument | undefined {
  const [step = '', leaf, ...deeper] = key.slice(layout.steps().length).split('/');
  if (leaf !== 'handoff.json' || deeper.length > 0 || !isName(step)) return undefined;
  const handoff = parseDocument(handoffSchema, key, body);
  const { from_agent, next_agent, state, note, next_action, epoch, created_at, review } = handoff;
  const files = [...(handoff.changed_files ?? []), ...(handoff.artifacts ?? []).map(nameOf)];
  const text = wordsIn([step, state, note, next_action, review?.note, review?.verdict, files]);
  return {
    kind: 'handoff',
    identity: key,
    isPresent: true,
    id: step,
    key,
    atMs: isoMs(created_at),
    by: from_agent,
    to: next_agent,
    step,
    version: epoch === 0 ? undefined : epoch,
    text,
    open: `tracecraft handoff ${step}${epoch === 0 ? '' : ` --epoch ${epoch}`}`,
  };
}

/** Of any length. */
function digestOf(...values: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(values)).digest('base64');
}

function nameOf({ name }: { readonly name: string }): string {
  return name;
}

function eventIn(layout: Layout, { key, body }: StoredObject): SearchedDocument | undefined {
  const stamp = parseStampName(key.slice(layout.events().length));
  if (stamp === undefined) return undefined;
  const { type, agent, step, data } = parseDocument(eventSchema, key, body);
  const atMs = Number(stamp.timeNs / 1_000_000n);
  return {
    kind: 'event',
    identity: key,
    isPresent: true,
    id: stamp.id,
    key,
    atMs,
    by: agent ?? stamp.agent,
    to: null,
    step,
    version: undefined,
    text: wordsIn([type, step, agent, data]),
    open: openerOf(atMs, step, data),
  };
}

/** The part of an event that ended a step: its handoff, which a later holder's has replaced. */
const endingSchema = v.object({ handoff: v.object({ epoch: v.pipe(v.number(), v.integer()) }) });

function openerOf(atMs: number, step: string | null, data: unknown): string {
  const ending = v.safeParse(endingSchema, data);
  if (ending.success && step !== null && isName(step)) {
    return `tracecraft handoff ${step} --epoch ${ending.output.handoff.epoch}`;
  }
  return `tracecraft log --since ${new Date(atMs).toISOString()}`;
}
