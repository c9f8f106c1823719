import { parseXML } from '@aws-sdk/xml-builder';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPage } from '../../src/bucket/s3/page.js';

const plain = fc.stringMatching(/^[\w/.~-]{1,12}$/);
const odd = fc.constantFrom(
  'a&amp;b/',
  '&lt;/',
  'ä/',
  '&#x41;/',
  'with space/',
  '語/',
  '&amp;lt;/',
);
const space = fc.constantFrom('', '', '', ' ', '\n  ');

describe('a page of a listing', () => {
  it('has every group of folders, plain or not, as an XML parser reads them', () => {
    const group = fc
      .tuple(fc.oneof({ weight: 3, arbitrary: plain }, odd), space, space)
      .map(
        ([name, before, after]) =>
          `<CommonPrefixes>${before}<Prefix>${name}</Prefix>${after}</CommonPrefixes>`,
      );
    const object = plain.map((key) => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`);
    fc.assert(
      fc.property(fc.array(fc.oneof(group, object), { maxLength: 12 }), plain, (parts, next) => {
        const xml = `<?xml version="1.0"?><ListBucketResult><Prefix>p/</Prefix>${parts.join('')}<NextContinuationToken>${next}</NextContinuationToken></ListBucketResult>`;
        const page = readPage(Buffer.from(xml));
        const { CommonPrefixes: groups = [], Contents: objects = [] } =
          parseXML(xml).ListBucketResult;
        const names = [groups].flat().map((one: { Prefix: string }) => one.Prefix);
        expect(page.prefixes.toSorted()).toEqual(names.toSorted());
        expect(page.objects).toHaveLength([objects].flat().length);
        expect(page.next).toBe(next);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    [
      'cut off',
      '<ListBucketResult><CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes><CommonPrefixes><Pre',
    ],
    ['cut off in a name', '<ListBucketResult><CommonPrefixes><Prefix>a'],
    ['of something else', '<html><CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes></html>'],
  ])('%s is refused', (_, xml) => {
    expect(() => readPage(Buffer.from(xml))).toThrow();
  });
});
