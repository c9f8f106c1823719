import type { EventDocument } from '../../protocol/events.js';

/** Maximum length of one text in a line; the record has the full text. */
const longest = 2_000;

type Data = Readonly<Record<string, unknown>>;

/** Describes an event in one line, from its own data. Missing parts are omitted. */
export function eventText({ type, step, data }: EventDocument, refKey: string | undefined): string {
  const said = data ?? {};
  const about = step ?? '';
  switch (type) {
    case 'step.claimed':
    case 'step.released':
      return about + epochOf(said);
    case 'step.claim_rejected':
      return joined(about, stringOf(said.holder), said.reason === 'done' ? 'done by' : 'held by');
    case 'step.taken_over':
      return joined(about, stringOf(fieldOf(said.from, 'agent')), 'from') + epochOf(said);
    case 'step.completed':
    case 'step.blocked':
    case 'step.needs_review':
      return endingText(about, stringOf(said.next_agent), stringOf(said.note));
    case 'step.approved':
    case 'step.rejected':
      return endingText(about, stringOf(said.from), stringOf(said.note));
    case 'step.planned':
    case 'step.edited':
      return plannedText(about, said.planned);
    case 'memory.set':
      return memoryText(memoryName(said, refKey), said.value, versionOf(said));
    case 'memory.deleted':
      return memoryName(said, refKey) + versionText(versionOf(said));
    case 'message.sent':
      return mailText(stringOf(said.to) ?? '?', stringOf(said.message) ?? '');
    case 'message.broadcast':
      return mailText('all', stringOf(said.message) ?? '');
    case 'artifact.uploaded':
      return artifactText(artifactName(said, refKey), numberOf(said.size));
    case 'session.removed':
    case 'session.restored':
      return sessionText(said);
    case 'secrets.redacted':
      return redactedText(said);
    default:
      return about;
  }
}

export function endingText(step: string, next: string | undefined, note: string | undefined) {
  const to = next === undefined ? '' : ` → ${next}`;
  return cut(`${step}${to}${note === undefined || note === '' ? '' : `: ${note}`}`);
}

/** `build: the API (needs design, schema)`. */
function plannedText(step: string, planned: unknown): string {
  const title = stringOf(fieldOf(planned, 'title'));
  const needs = fieldOf(planned, 'needs');
  const named = Array.isArray(needs) ? needs.filter((need) => typeof need === 'string') : [];
  const after = named.length === 0 ? '' : ` (needs ${named.join(', ')})`;
  return cut(`${step}${title === undefined ? '' : `: ${title}`}${after}`);
}

export function mailText(to: string, message: string): string {
  return cut(`→ ${to}: ${message}`);
}

export function memoryText(name: string, value: unknown, version: number | undefined): string {
  const shown = value === undefined ? '' : ` = ${shortJson(value)}`;
  return cut(`${name}${shown}`) + versionText(version);
}

export function artifactText(name: string, size: number | undefined): string {
  return size === undefined ? name : `${name} (${size} bytes)`;
}

function sessionText({ harness, session_id }: Data): string {
  const named = [stringOf(harness), stringOf(session_id)].filter((word) => word !== undefined);
  return cut(named.join('/'));
}

function redactedText({ objects, kinds }: Data): string {
  const named = Array.isArray(kinds) ? kinds.filter((kind) => typeof kind === 'string') : [];
  const count = numberOf(objects);
  const many = count === undefined ? '' : `${count} ${count === 1 ? 'object' : 'objects'}`;
  return cut(named.length === 0 ? many : `${many}: ${named.join(', ')}`);
}

export function versionText(version: number | undefined): string {
  return version === undefined ? '' : ` (version ${version})`;
}

export function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

export function fieldOf(value: unknown, name: string): unknown {
  const isRecord = typeof value === 'object' && value !== null && Object.hasOwn(value, name);
  return isRecord ? (value as Data)[name] : undefined;
}

function epochOf({ epoch }: Data): string {
  const number = numberOf(epoch);
  return number === undefined || number <= 1 ? '' : ` (epoch ${number})`;
}

function versionOf(data: Data): number | undefined {
  return numberOf(data.version) ?? numberOf(fieldOf(data.ref, 'version'));
}

/** `design.contract`, from the event or from its object's key. */
function memoryName({ key }: Data, refKey = ''): string {
  if (typeof key === 'string') return key;
  const below = /(?:^|\/)memory\/(?:_history\/)?([^/]+)/.exec(refKey)?.[1] ?? refKey;
  return below.replace(/\.json$/, '');
}

function artifactName(data: Data, refKey = ''): string {
  const below = /(?:^|\/)artifacts\/(.+)$/.exec(refKey)?.[1];
  return below ?? stringOf(data.name) ?? refKey;
}

function joined(about: string, who: string | undefined, verb: string): string {
  return who === undefined ? about : `${about}, ${verb} ${who}`;
}

function shortJson(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** Copies: a slice would keep the whole string in memory. */
export function cut(text: string): string {
  if (text.length <= longest) return text;
  return `${Buffer.from(text.slice(0, longest), 'utf16le').toString('utf16le')}…`;
}

/** As much of a value as a line can show. */
export function shortValue(value: unknown): unknown {
  const text = shortJson(value);
  return text.length <= longest ? value : cut(text);
}
