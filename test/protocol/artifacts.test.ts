import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { artifactsIn, parseArtifactKey } from '../../src/protocol/artifacts.js';
import { bucketLayout } from '../../src/protocol/keys.js';

const layout = bucketLayout('demo');

describe('keys of artifacts', () => {
  it('can be parsed back', () => {
    const segment = fc
      .stringMatching(/^[A-Za-z0-9_ .:ü-]{1,12}$/)
      .filter((one) => !/^\.\.?$/.test(one));
    const name = fc.array(segment, { minLength: 1, maxLength: 4 }).map((all) => all.join('/'));
    fc.assert(
      fc.property(name, (one) => {
        const key = layout.artifact('S1.A', one);
        expect(parseArtifactKey(layout, key)).toEqual({ step: 's1-a', name: one });
        expect(key.startsWith(artifactsIn(layout, 'S1.A'))).toBe(true);
      }),
    );
  });

  it.each([
    'demo/artifacts/file-without-step',
    'demo/artifacts/build/../../../etc/passwd',
    'demo/artifacts/build//x',
    'demo/artifacts/build/.',
    'demo/artifacts/build/',
    'demo/artifacts/../x',
    'demo/artifacts/Build/x',
    'demo/artifacts/_step/x',
    'demo/artifacts/build/a\\b',
    'demo/artifacts/build/a\u001bb',
    'demo/events/build/x',
    'other/artifacts/build/x',
  ])('that nobody can have are none: %j', (key) => {
    expect(parseArtifactKey(layout, key)).toBeUndefined();
  });
});
