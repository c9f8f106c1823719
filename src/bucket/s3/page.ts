import { parseXML } from '@aws-sdk/xml-builder';
import type { Listed, Page } from './requests.js';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html; throws for any other answer. */
export function readPage(xml: string): Page {
  const plain: string[] = [];
  // A page of folders is almost nothing else, and the parser takes ten times as long.
  const rest = xml.replace(plainGroup, (_, prefix: string) => {
    plain.push(prefix);
    return '';
  });
  const root: unknown = parseXML(rest);
  const result = field(root, 'ListBucketResult');
  if (typeof result !== 'object' || result === null) throw new Error('the answer is not a listing');
  return {
    objects: all(field(result, 'Contents')).map(listed),
    prefixes: [
      ...plain,
      ...all(field(result, 'CommonPrefixes')).map((group) => text(group, 'Prefix')),
    ],
    isTruncated: text(result, 'IsTruncated') === 'true',
    next: text(result, 'NextContinuationToken'),
  };
}

/** Nothing in it has another meaning; any other group is left to the parser. */
const plainGroup = /<CommonPrefixes>\s*<Prefix>([\w/.~-]+)<\/Prefix>\s*<\/CommonPrefixes>/g;

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
