import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { UsageError } from '../../src/errors.js';
import { subjectOf } from '../../src/setup/apply.js';
import { putIn, type Subject, takeOut } from '../../src/setup/edit.js';
import { claudeCodeSetup } from '../../watchers/claude-code/setup.js';
import { codexSetup } from '../../watchers/codex/setup.js';
import { hermesSetup } from '../../watchers/hermes/setup.js';
import { openClawSetup } from '../../watchers/openclaw/setup.js';

const runs = Number(process.env.TRACECRAFT_PROPERTY_RUNS ?? 100);

const setups = {
  'claude-code': claudeCodeSetup,
  codex: codexSetup,
  hermes: hermesSetup,
  openclaw: openClawSetup,
};

function subject(harness: keyof typeof setups, hasMail = harness !== 'openclaw'): Subject {
  const setup = setups[harness].plan({
    env: {},
    home: "/home/o'neil",
    tracecraftHome: "/home/o'neil/.tracecraft",
    spool: "/home/o'neil/.tracecraft/spool",
    skill: '',
    mail: hasMail ? { node: '/usr/bin/node', program: '/opt/run.cjs' } : undefined,
  });
  return subjectOf(setup);
}

/** setup then remove is the identity; setup twice is setup once. */
function checkRoundTrip(one: Subject, text: string): string {
  const { text: after, insertions } = putIn(one, text);
  expect(putIn(one, after)).toEqual({ text: after, insertions: [] });
  expect(takeOut(one, after, insertions)).toBe(text);
  return after;
}

function checkOrRefused(one: Subject, text: string): void {
  try {
    one.format.parse(text, one.path);
    putIn(one, text);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return;
  }
  checkRoundTrip(one, text);
}

const word = fc.constantFrom(
  'model',
  'env',
  'hooks',
  'Stop',
  'internal',
  'entries',
  'a b',
  'ü',
  '__proto__x',
);
const leaf = fc.oneof(fc.string({ maxLength: 8 }), fc.integer(), fc.boolean(), fc.constant(null));
const group = fc.record({
  hooks: fc.array(
    fc.record({ type: fc.constant('command'), command: fc.string({ maxLength: 9 }) }),
    {
      maxLength: 2,
    },
  ),
});
const groups = fc.array(group, { maxLength: 2 });
const members = fc.dictionary(word, fc.oneof(leaf, fc.array(leaf, { maxLength: 3 })), {
  maxKeys: 4,
});
const hooks = fc.oneof(
  fc.record({ Stop: groups, SessionStart: groups, PreToolUse: groups }, { requiredKeys: [] }),
  fc.record({ internal: fc.record({ entries: members }, { requiredKeys: [] }) }),
);
const settings = fc
  .tuple(members, fc.option(hooks, { nil: undefined }))
  .map(([rest, own]) => (own === undefined ? rest : { ...rest, hooks: own }));

interface Layout {
  readonly indent: string | number;
  readonly hasWindowsLines: boolean;
  readonly end: string;
  readonly comment: boolean;
}

/** The same value as people and programs write it. */
const layout: fc.Arbitrary<Layout> = fc.record({
  indent: fc.constantFrom<string | number>(0, 1, 2, 4, '\t'),
  hasWindowsLines: fc.boolean(),
  end: fc.constantFrom('', '\n', '\n\n', '  '),
  comment: fc.boolean(),
});

function written(value: unknown, how: Layout): string {
  const json = JSON.stringify(value, null, how.indent);
  const lines = json.split('\n').map((line, index) => {
    const isPlain = how.comment && /[[{,]$/.test(line);
    return isPlain && json.includes('\n') && index % 2 === 0
      ? `${line} // "hooks": [ 1, ] ${index}`
      : line;
  });
  return (lines.join('\n') + how.end).replaceAll('\n', how.hasWindowsLines ? '\r\n' : '\n');
}

describe('settings in JSON', () => {
  it.each(['claude-code', 'codex', 'openclaw'] as const)(
    '%s: setup then remove is the identity, twice is once',
    (harness) => {
      fc.assert(
        fc.property(settings, layout, (value, how) => {
          checkOrRefused(subject(harness), written(value, how));
        }),
        { numRuns: runs },
      );
    },
  );

  it('the settings mean the same as before, plus the hooks', () => {
    fc.assert(
      fc.property(members, layout, (value, how) => {
        if ('hooks' in value) return;
        const one = subject('claude-code', false);
        const after = checkRoundTrip(one, written(value, how));
        const parsed = Object(one.format.parse(after, ''));
        expect(Object.keys(parsed.hooks)).toEqual([
          'SessionStart',
          'Stop',
          'SubagentStop',
          'SessionEnd',
        ]);
        delete parsed.hooks;
        expect(parsed).toEqual(value);
      }),
      { numRuns: runs },
    );
  });

  it('removes only our part if the lines around it were edited', () => {
    const one = subject('claude-code');
    const before = '{\n  "model": "opus", // best\n  "hooks": {\n    "Stop": []\n  }\n}\n';
    const { text, insertions } = putIn(one, before);
    const edit = (content: string): string =>
      content
        .replace('"opus"', '"sonnet"')
        .replace('{\n  "model"', '{\n  "theme": "dark",\n  "model"');
    expect(takeOut(one, edit(text), insertions)).toBe(edit(before));
  });

  it('even if our own lines were reformatted, or nothing was recorded', () => {
    const one = subject('claude-code');
    const own = { hooks: [{ type: 'command', command: 'say done' }] };
    const before = { model: 'opus', hooks: { Stop: [own], PreToolUse: [own] } };
    const { text, insertions } = putIn(one, JSON.stringify(before, null, 2));
    const anew = JSON.stringify(JSON.parse(text), null, 7);
    expect(JSON.parse(takeOut(one, anew, insertions))).toEqual(before);
    const bare = Object(JSON.parse(takeOut(one, anew, [])));
    expect(bare.hooks.Stop).toEqual([own]);
    expect(JSON.stringify(bare)).not.toContain('.tracecraft');
  });

  it('keeps a hook that the user added next to ours', () => {
    const one = subject('codex', false);
    const { text, insertions } = putIn(one, '');
    const value = Object(JSON.parse(text));
    value.hooks.Stop.push({ hooks: [{ type: 'command', command: 'mine' }] });
    const rest = takeOut(one, JSON.stringify(value, null, 2), insertions);
    expect(JSON.parse(rest)).toEqual({
      hooks: { Stop: [{ hooks: [{ type: 'command', command: 'mine' }] }] },
    });
  });

  it.each([
    ['{\n  "a": 1\n  "b": 2\n}', ':3'],
    ['{"a": 1', ':1'],
    ['[]', ':1: it is not an object'],
    ['{\n  "hooks": []\n}', ':2: hooks is not an object'],
    ['{"hooks": {\n"Stop": {}}}', ':2: hooks.Stop is not a list'],
    ['\u0000', ':1'],
  ])('%j is refused by line', (text, place) => {
    expect(() => putIn(subject('claude-code'), text)).toThrow(
      expect.objectContaining({
        kind: 'usage',
        message: expect.stringContaining(`settings.json${place}`),
      }),
    );
  });

  it('keeps the comments and quotes of JSON5 as OpenClaw reads it', () => {
    const text = "// mine\n{\n\tgateway: { port: 18789, }, /* x */\n\thooks: { token: 'a', },\n}\n";
    const after = checkRoundTrip(subject('openclaw'), text);
    expect(after).toContain(
      '{ "internal": { "entries": { "tracecraft": { "enabled": true } } }, token: \'a\', }',
    );
  });
});

describe('settings in YAML', () => {
  it('setup then remove is the identity, twice is once', () => {
    const events = fc.record(
      {
        on_session_start: fc.array(fc.record({ command: fc.string({ maxLength: 9 }) }), {
          maxLength: 2,
        }),
        pre_tool_call: groups,
      },
      { requiredKeys: [] },
    );
    const value = fc
      .tuple(members, fc.option(fc.oneof(events, fc.constant(null)), { nil: undefined }))
      .map(([rest, own]) => (own === undefined ? rest : { ...rest, hooks: own }));
    const style = fc.record({
      indent: fc.constantFrom(2, 4),
      indentSeq: fc.boolean(),
      collectionStyle: fc.constantFrom<'any' | 'flow' | 'block'>('any', 'flow', 'block'),
    });
    fc.assert(
      fc.property(value, style, fc.boolean(), fc.boolean(), (one, how, hasWindowsLines, hasEnd) => {
        const text = stringify(one, how).replaceAll('\n', hasWindowsLines ? '\r\n' : '\n');
        checkOrRefused(subject('hermes'), hasEnd ? text : text.trimEnd());
      }),
      { numRuns: runs },
    );
  });

  it.each([
    ['', /^hooks:\n {2}on_session_start:\n {4}- command: "sh /],
    ['# only a comment\n', /^# only a comment\nhooks:/],
    ['a: 1', /^hooks:[\s\S]*\na: 1$/],
    ['hooks:\n', /^hooks:\n {2}on_session_start:/],
    ['hooks: # mine\nz: 1\n', /^hooks: # mine\n {2}on_session_start:/],
    ['hooks: {}\n', /^hooks: \{on_session_start: \[/],
    ['text: |\n  last line', /^hooks:[\s\S]*\ntext: \|\n {2}last line$/],
    ['a: 1\n...\n', /^hooks:[\s\S]*\na: 1\n\.\.\.\n$/],
    ['---\na: 1\n', /^---\na: 1\nhooks:/],
    ['{a: 1}\n', /^\{hooks: /],
    ['# c\na: 1 # x', /^# c\nhooks:[\s\S]*\na: 1 # x$/],
  ])('%j gets the hooks', (text, expected) => {
    expect(checkRoundTrip(subject('hermes'), text)).toMatch(expected);
  });

  it('comments stay with what they describe', () => {
    const text =
      'model: x # m\nhooks:\n  # about the tool\n  pre_tool_call:\n    - command: a # b\n  on_session_end: # c\n  # d\n  - command: e\n';
    const after = checkRoundTrip(subject('hermes'), text);
    expect(after).toContain('  # about the tool\n  pre_tool_call:\n    - command: a # b\n');
  });

  it.each([
    ['a: [1\nb: 2', ':2'],
    ['a: 1\nhooks: []\n', ':2: hooks is not a mapping'],
    ['x: &x {a: 1}\nhooks: *x\n', ':2: hooks is an alias'],
    ['a: 1\n---\nb: 2\n', 'several YAML documents'],
  ])('%j is refused', (text, message) => {
    expect(() => putIn(subject('hermes'), text)).toThrow(
      expect.objectContaining({ kind: 'usage', message: expect.stringContaining(message) }),
    );
  });

  it('removes only our part if our lines were reformatted', () => {
    const one = subject('hermes');
    const { text, insertions } = putIn(
      one,
      'model: x\nhooks:\n  on_session_end:\n    - command: mine\n',
    );
    const anew = text.replaceAll('timeout: 5', 'timeout:   5');
    const rest = takeOut(one, anew, insertions);
    expect(one.format.parse(rest, '')).toEqual({
      model: 'x',
      hooks: { on_session_end: [{ command: 'mine' }] },
    });
  });
});
