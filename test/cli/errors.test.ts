import { describe, expect, it } from 'vitest';
import { describeFailure, failureLines } from '../../src/cli/errors.js';
import {
  LostError,
  NotAllowedError,
  NotFoundError,
  PartialError,
  RefusedError,
  TracecraftError,
  UnreachableError,
  UnsupportedError,
  UsageError,
} from '../../src/errors.js';

const line = { argv: ['claim', 'design'], commandIds: ['claim', 'memory:get', 'memory:set'] };

describe('exit codes', () => {
  it.each([
    [new UsageError('x'), 2, 'usage', false],
    [new UnsupportedError('x'), 2, 'unsupported', false],
    [new NotFoundError('x'), 3, 'not-found', false],
    [new LostError('x'), 4, 'lost', false],
    [new TracecraftError('blocked', 'x'), 5, 'blocked', false],
    [new TracecraftError('timed-out', 'x'), 6, 'timed-out', false],
    [new NotAllowedError('x'), 7, 'not-allowed', false],
    [new UnreachableError('x'), 8, 'unreachable', true],
    [new RefusedError('x'), 9, 'refused', false],
    [new PartialError('x'), 10, 'partial', false],
    [new TracecraftError('damaged', 'x'), 1, 'damaged', false],
    [new TypeError('x'), 1, 'unexpected', false],
    ['a thrown text', 1, 'unexpected', false],
    [undefined, 1, 'unexpected', false],
  ])('%s is %d, %s', (error, exitCode, kind, retryable) => {
    expect(describeFailure(error, line)).toMatchObject({ exitCode, kind, retryable });
  });
});

describe('lines', () => {
  it('are at most three, including the hint', () => {
    const failure = describeFailure(new UsageError('what', { hint: 'one\ntwo\nthree' }), line);
    expect(failure && failureLines(failure)).toEqual(['Error: what', 'one', 'two']);
  });

  it('are one without a hint', () => {
    const failure = describeFailure(new LostError('what'), line);
    expect(failure && failureLines(failure)).toEqual(['Error: what']);
  });
});

describe("oclif's errors", () => {
  function oclif(message: string, fields: object = {}): Error {
    return Object.assign(new Error(message), { oclif: { exit: 2 } }, fields);
  }

  it.each([
    [
      oclif('Nonexistent flag: --tll\nSee more help with --help', {
        flags: ['--tll'],
        parse: { input: { flags: { ttl: {}, json: {} } } },
      }),
      'unknown flag: --tll',
      'Did you mean --ttl? See "tracecraft claim --help".',
    ],
    [
      oclif('Missing 1 required arg:\nstep  the step', { args: [{ name: 'step' }] }),
      'missing argument: STEP',
      'See "tracecraft claim --help".',
    ],
    [
      oclif('Missing 1 required arg:\nshell  your shell', {
        args: [{ name: 'shell', options: ['bash', 'zsh'] }],
      }),
      'missing argument: SHELL',
      'It is one of bash, zsh. See "tracecraft claim --help".',
    ],
    [
      oclif('Expected cluade to be one of: claude-code, codex\nSee more help with --help'),
      'expected cluade to be one of: claude-code, codex',
      'Did you mean claude-code? See "tracecraft claim --help".',
    ],
    [
      oclif('Unexpected arguments: a, b', { args: ['a', 'b'] }),
      'unexpected arguments: a b',
      'See "tracecraft claim --help".',
    ],
    [
      oclif('Unexpected argument: rescue', {
        args: ['rescue'],
        parse: { input: { flags: {}, args: { session: {} } } },
      }),
      'unexpected argument: rescue',
      'If it belongs to the word before it, put both in quotes. See "tracecraft claim --help".',
    ],
    [
      oclif(
        'The following error occurred:\n  \u001b[2mMissing required flag project\u001b[22m\nSee more help with --help',
      ),
      'missing flag: --project',
      'See "tracecraft claim --help".',
    ],
    [
      oclif('Expected --ttl=1 to be one of: a\nSee more help with --help'),
      'expected --ttl=1 to be one of: a',
      'See "tracecraft claim --help".',
    ],
    [
      oclif(
        'Expected --harness=claude to be one of: claude-code, codex\nSee more help with --help',
      ),
      'expected --harness=claude to be one of: claude-code, codex',
      'Did you mean claude-code? See "tracecraft claim --help".',
    ],
    [
      oclif('Expected claude to be one of: claude-code, codex\nSee more help with --help'),
      'expected claude to be one of: claude-code, codex',
      'Did you mean claude-code? See "tracecraft claim --help".',
    ],
    ...['ls', 'list', 'sessions'].map((typed): [Error, string, string] => [
      oclif(`command ${typed} not found`),
      `unknown command: ${typed}`,
      'Did you mean "tracecraft session list"? "tracecraft --help" lists all.',
    ]),
    [
      oclif('command clam:design not found'),
      'unknown command: clam',
      'Did you mean "tracecraft claim"? "tracecraft --help" lists all.',
    ],
    [
      oclif('command memory:gte:key not found'),
      'unknown command: memory gte',
      'Did you mean "tracecraft memory get"? "tracecraft --help" lists all.',
    ],
    [
      oclif('command memory:forget not found'),
      'unknown command: memory forget',
      'There are: memory get, memory set.',
    ],
    [
      oclif('command frobnicate:it not found'),
      'unknown command: frobnicate',
      '"tracecraft --help" lists all commands.',
    ],
    [
      oclif('command claim:a:b not found'),
      'unexpected arguments: a b',
      'See "tracecraft claim --help".',
    ],
  ])('%s', (error, message, hint) => {
    expect(describeFailure(error, line)).toEqual({
      kind: 'usage',
      message,
      hint,
      retryable: false,
      exitCode: 2,
    });
  });

  it('are not shown if the command ended itself', () => {
    expect(describeFailure(oclif('EEXIT: 3', { code: 'EEXIT' }), line)).toBeUndefined();
  });
});
