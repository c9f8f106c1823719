import type { DemoSession, Said } from './transcripts.js';

function said(...lines: readonly (readonly [number, Said['kind'], string])[]): readonly Said[] {
  return lines.map(([at, kind, text]) => ({ at, kind, text }));
}

/** What the three agents say while they do what `story.ts` has them do. Seconds from its start. */
export const designerSession: DemoSession = {
  harness: 'claude-code',
  agent: 'designer',
  id: '5d0c7a10-3f5e-4b7e-9a51-0c0ffee00001',
  title: 'Design the login contract',
  said: said(
    [
      62,
      'prompt',
      'Design how the shop checks who is logged in. The developer builds it after you.',
    ],
    [70, 'thinking', 'The step should be mine before I start, so that nobody designs it twice.'],
    [
      78,
      'call',
      'tracecraft step add design && tracecraft step add build --needs design && tracecraft step add test --needs build && tracecraft step add review --needs test --assign reviewer',
    ],
    [81, 'result', 'Planned design\nPlanned build\nPlanned test\nPlanned review'],
    [86, 'call', 'tracecraft claim design'],
    [92, 'result', 'Claimed step design as designer'],
    [128, 'call', 'grep -rn "session" src/routes | head'],
    [
      131,
      'result',
      'src/routes/cart.ts:14: const session = readSession(request)\nsrc/routes/orders.ts:9: const session = readSession(request)',
    ],
    [
      205,
      'answer',
      'Two routes read the session on their own. One middleware should check a signed token, and both should ask it.',
    ],
    [
      290,
      'thinking',
      'The developer needs the name of the header, the algorithm and what happens without a token.',
    ],
    [
      356,
      'call',
      'tracecraft memory set design.contract \'{"header": "Authorization", "token": "JWT", "algorithm": "ES256", "without": 401}\'',
    ],
    [361, 'result', 'Set design.contract (version 1)'],
    [
      446,
      'call',
      'tracecraft send developer "The contract is in design.contract. Check the token in one middleware."',
    ],
    [451, 'result', 'Sent to developer'],
    [
      536,
      'call',
      'tracecraft complete design --to developer --note "One middleware, ES256, 401 without a token" --next-action "Build it behind /orders"',
    ],
    [541, 'result', 'Completed step design'],
    [548, 'answer', 'The design is done and handed to the developer.'],
  ),
};

export const developerSession: DemoSession = {
  harness: 'codex',
  agent: 'developer',
  id: '01a201f0-bc26-70e2-b8f6-0c0ffee00002',
  title: 'Build the login check',
  said: said(
    [110, 'prompt', 'Build the login check of the shop. See what the designer decided.'],
    [126, 'call', 'tracecraft claim design'],
    [131, 'result', 'Error: Step design already claimed by designer'],
    [140, 'answer', 'The designer is at it. I wait until the design is handed over.'],
    [152, 'call', 'tracecraft wait-for design --timeout 20m'],
    [542, 'result', 'design is complete'],
    [560, 'call', 'tracecraft handoff design && tracecraft memory get design.contract'],
    [
      566,
      'result',
      'state: complete\nnote: One middleware, ES256, 401 without a token\n{"header": "Authorization", "token": "JWT", "algorithm": "ES256", "without": 401}',
    ],
    [625, 'call', 'tracecraft claim build'],
    [631, 'result', 'Claimed step build as developer'],
    [700, 'thinking', 'The orders route is the one that was named. The cart can follow.'],
    [760, 'call', 'apply_patch src/middleware/auth.ts src/routes/orders.ts'],
    [768, 'result', 'Success. Updated 2 files.'],
    [850, 'call', 'npm test -- auth'],
    [884, 'result', ' ✓ a valid token passes\n ✓ no token answers 401\n 2 passed'],
    [
      1012,
      'call',
      'git diff > patch-auth.diff && tracecraft artifact upload patch-auth.diff --step build',
    ],
    [1021, 'result', 'Uploaded build/patch-auth.diff'],
    [1054, 'call', 'tracecraft send --broadcast "The patch is in build/patch-auth.diff"'],
    [1061, 'result', 'Sent to all'],
    [
      1105,
      'call',
      'tracecraft complete build --to reviewer --note "orders checks the token" --artifact patch-auth.diff',
    ],
    [1111, 'result', 'Completed step build'],
    [1114, 'call', 'tracecraft run test -- npm test'],
    [
      1120,
      'result',
      'Claimed step test as developer (epoch 1).\n 2 passed\nStep test is complete (exit 0).',
    ],
    [1125, 'answer', 'The login check is built, tested and with the reviewer.'],
  ),
};

export const reviewerSession: DemoSession = {
  harness: 'claude-code',
  agent: 'reviewer',
  id: '5d0c7a10-3f5e-4b7e-9a51-0c0ffee00003',
  title: 'Review the login check',
  said: said(
    [2610, 'prompt', 'Review what the developer handed over.'],
    [2636, 'call', 'tracecraft claim review'],
    [2641, 'result', 'Claimed step review as reviewer'],
    [
      2660,
      'call',
      'tracecraft artifact download build/patch-auth.diff && git apply --check patch-auth.diff',
    ],
    [2672, 'result', 'Downloaded build/patch-auth.diff'],
    [
      2700,
      'answer',
      'The middleware is right. I have somebody look at every route that should use it.',
    ],
    [
      2935,
      'call',
      'tracecraft send developer "The cart does not ask the middleware. Is that on purpose?"',
    ],
    [2941, 'result', 'Sent to developer'],
    [
      3050,
      'thinking',
      'Without the check anybody can change the cart of anybody. This cannot go out.',
    ],
    [
      3115,
      'call',
      'tracecraft complete review --blocked --note "missing auth check, needs rework"',
    ],
    [3121, 'result', 'Completed step review'],
    [3146, 'call', 'tracecraft send developer "Blocked: src/routes/cart.ts needs the same check."'],
    [3151, 'result', 'Sent to developer'],
    [3166, 'answer', 'I blocked it: the cart does not check the token yet.'],
  ),
  subAgent: {
    id: 'a93ccab1',
    said: said(
      [
        2712,
        'prompt',
        'List the routes that read a session, and which of them use the middleware.',
      ],
      [2720, 'call', 'grep -rln "readSession" src/routes'],
      [2724, 'result', 'src/routes/cart.ts'],
      [2760, 'call', 'grep -rn "requireToken" src/routes'],
      [2764, 'result', 'src/routes/orders.ts:3: router.use(requireToken)'],
      [
        2820,
        'answer',
        'orders uses it. cart still reads the session on its own: the auth check is missing there.',
      ],
    ),
  },
};

export const demoSessions = [designerSession, developerSession, reviewerSession] as const;
