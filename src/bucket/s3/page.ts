import { parseXML } from '@aws-sdk/xml-builder';
import type { Listed, Page } from './requests.js';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html; throws for any other answer. */
export function readPage(body: Buffer): Page {
  const { names, rest } = plainGroups(body);
  const root: unknown = parseXML(rest);
  const result = field(root, 'ListBucketResult');
  if (typeof result !== 'object' || result === null) throw new Error('the answer is not a listing');
  for (const group of all(field(result, 'CommonPrefixes'))) names.push(text(group, 'Prefix'));
  return {
    objects: all(field(result, 'Contents')).map(listed),
    prefixes: names,
    isTruncated: text(result, 'IsTruncated') === 'true',
    next: text(result, 'NextContinuationToken'),
  };
}

const group = {
  opening: Buffer.from('<CommonPrefixes>'),
  closing: Buffer.from('</CommonPrefixes>'),
};
const name = { opening: Buffer.from('<Prefix>'), closing: Buffer.from('</Prefix>') };
/** 1 for bytes that mean nothing else in XML. */
const plainBytes = new Uint8Array(256);
for (const byte of Buffer.from(
  'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/.~-',
)) {
  plainBytes[byte] = 1;
}

interface Groups {
  readonly names: (string | undefined)[];
  /** The answer without them. */
  readonly rest: string;
}

/**
 * Groups with a plain name, read from the bytes. A page of folders is almost nothing else, and the parser takes many times as
 * long; any other group is left to it.
 */
function plainGroups(body: Buffer): Groups {
  const names: string[] = [];
  let rest = '';
  let done = 0;
  for (let at = body.indexOf(group.opening); at !== -1; ) {
    const start = pastTags(body, at, group.opening, name.opening);
    let end = start;
    while (plainBytes[body[end] ?? 0] === 1) end += 1;
    const after = start === -1 ? -1 : pastTags(body, end, name.closing, group.closing);
    if (after !== -1) {
      names.push(body.toString('latin1', start, end));
      if (at > done) rest += body.toString('utf8', done, at);
      done = after;
    }
    const next = after === -1 ? at + 1 : after;
    at = isAt(body, next, group.opening) ? next : body.indexOf(group.opening, next);
  }
  return { names, rest: rest + body.toString('utf8', done) };
}

/** Past two tags with nothing but blanks between them; -1 if they are not there. */
function pastTags(body: Buffer, start: number, first: Buffer, second: Buffer): number {
  if (!isAt(body, start, first)) return -1;
  let at = start + first.length;
  while ((body[at] ?? lessThan) <= blank) at += 1;
  return isAt(body, at, second) ? at + second.length : -1;
}

const blank = 0x20;
const lessThan = 0x3c;

function isAt(body: Buffer, start: number, wanted: Buffer): boolean {
  for (let at = 0; at < wanted.length; at += 1) {
    if (body[start + at] !== wanted[at]) return false;
  }
  return true;
}

function listed(object: unknown): Listed {
  const size = text(object, 'Size');
  const modified = text(object, 'LastModified');
  const modifiedAt = modified === undefined ? undefined : new Date(modified);
  if (Number.isNaN(modifiedAt?.getTime())) throw new Error(`no time: ${modified}`);
  if (size !== undefined && !/^\d+$/.test(size)) throw new Error(`no size: ${size}`);
  return {
    key: text(object, 'Key'),
    size: size === undefined ? undefined : Number(size),
    modifiedAt,
    etag: text(object, 'ETag'),
  };
}

function all(value: unknown): readonly unknown[] {
  if (value === undefined || value === '') return [];
  return Array.isArray(value) ? value : [value];
}

function text(value: unknown, name: string): string | undefined {
  const found = field(value, name);
  return typeof found === 'string' ? found : undefined;
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return Reflect.get(value, name);
}
