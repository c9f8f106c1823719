import { describe, expect, it } from 'vitest';
import { runResume } from '../../src/app/resume-command.js';

const here = { cwd: process.cwd(), env: {} };

describe('running the command that resumes a session', () => {
  it('hands every word over as it is: no shell reads it', async () => {
    const hostile = '$(exit 3); `exit 4` "*" \'';
    const program = `process.exit(process.argv[1] === ${JSON.stringify(hostile)} ? 7 : 1)`;
    expect(await runResume({ ...here, words: [process.execPath, '-e', program, hostile] })).toBe(7);
  });

  it('says that the program is not there', async () => {
    const words = ['/nowhere/harness', '--resume', 'x'];
    await expect(runResume({ ...here, words })).rejects.toMatchObject({ exitCode: 3 });
  });
});
