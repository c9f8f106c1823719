import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const scorer = at('../../../shared/tools/score-redaction.mjs');
const corpus = at('../../../shared/fixtures/redaction/corpus-dev.jsonl.gz');
const isThere = existsSync(scorer) && existsSync(corpus);

describe.skipIf(!isThere)(
  'the labelled corpus (only where ../shared is beside the project)',
  () => {
    let folder: string;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'tracecraft-corpus-'));
      const entry = join(folder, 'filter.ts');
      writeFileSync(
        entry,
        `import { readFileSync, writeFileSync } from 'node:fs';
       import { createRedactor } from ${JSON.stringify(at('../../src/redact/redactor.ts'))};
       const redactor = createRedactor();
       const lines = readFileSync(0, 'latin1').split('\\n').slice(0, -1);
       const redacted = lines.map((line) => redactor.redact(Buffer.from(line + '\\n', 'latin1')).bytes);
       writeFileSync(1, Buffer.concat(redacted));`,
      );
      const bundle = await rolldown({ input: entry, platform: 'node' });
      await bundle.write({ file: join(folder, 'filter.mjs'), format: 'esm' });
      await bundle.close();
    });

    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it('meets every threshold', () => {
      const score = spawnSync(
        process.execPath,
        [
          scorer,
          corpus,
          '--verbose',
          '--min-recall',
          '0.985',
          '--max-fpr',
          '0.005',
          '--max-invalid',
          '0',
          '--max-collateral',
          '0',
          '--min-tier',
          'core=0.99,context=0.97,escape=0.97',
          '--report',
          join(folder, 'report.json'),
          '--',
          process.execPath,
          join(folder, 'filter.mjs'),
        ],
        { encoding: 'utf8' },
      );
      expect(score.stdout, score.stderr).toMatch(/PASS\s*$/);
      expect(score.stdout).toContain('without a [REDACTED:<kind>] label 0');
      expect(score.status).toBe(0);
    });
  },
);
