import type { Bucket } from '../bucket/bucket.js';
import type { Clock } from '../clock.js';
import type { Io } from '../io.js';
import { bucketLayout } from '../protocol/keys.js';
import { Actor } from './actor.js';
import { recordingBucket } from './recording-bucket.js';
import { designerSession, developerSession, reviewerSession } from './sessions.js';
import type { DemoSession } from './transcripts.js';

interface StoryPlace {
  readonly bucket: Bucket;
  readonly project: string;
  readonly io: Io;
  readonly clock: Clock;
  /** Where this machine's claims are remembered. */
  readonly stateFolder: string;
  /** The file uploaded in the story. */
  readonly patch: string;
  /** Milliseconds since the epoch at which it starts. */
  readonly startMs: number;
}

/**
 * Three agents plan, design, build, test and review, through the functions the commands call. Only the clock is not
 * the machine's.
 */
export async function tellStory(place: StoryPlace): Promise<void> {
  let atMs = place.startMs;
  const at: At = (seconds) => {
    atMs = place.startMs + seconds * 1000;
  };
  const bucket = recordingBucket(place.bucket, () => new Date(atMs));
  const layout = bucketLayout(place.project);
  const contextOf = ({ agent, id }: DemoSession) => ({
    bucket,
    layout,
    agent,
    host: 'demo',
    sessionId: id,
    clock: place.clock,
  });
  const [designer, developer, reviewer] = [designerSession, developerSession, reviewerSession].map(
    (session) => new Actor(contextOf(session), place.io, place.stateFolder),
  );
  if (designer === undefined || developer === undefined || reviewer === undefined) return;
  const cast = { designer, developer, reviewer };
  await design(cast, at);
  await build(cast, at, place.patch);
  await review(cast, at);
}

interface Cast {
  readonly designer: Actor;
  readonly developer: Actor;
  readonly reviewer: Actor;
}

/** Moves the clock of the story to so many seconds after its start. */
type At = (seconds: number) => void;

async function design({ designer, developer, reviewer }: Cast, at: At): Promise<void> {
  at(0);
  await designer.register();
  at(20);
  await developer.register();
  at(40);
  await reviewer.register();
  at(80);
  await designer.plan([
    { id: 'design' },
    { id: 'build', needs: ['design'] },
    { id: 'test', needs: ['build'] },
    { id: 'review', needs: ['test'], assign: 'reviewer' },
  ]);
  at(90);
  await designer.claim('design');
  at(130);
  await developer.claim('design');
  at(360);
  await designer.remember('design.contract', {
    header: 'Authorization',
    token: 'JWT',
    algorithm: 'ES256',
    without: 401,
  });
  at(450);
  await designer.send(
    'developer',
    'The contract is in design.contract. Check the token in one middleware.',
  );
  at(540);
  await designer.complete('design', {
    outcome: 'complete',
    note: 'One middleware, ES256, 401 without a token',
    nextAgent: 'developer',
    nextAction: 'Build it behind /orders',
  });
}

async function build({ developer }: Cast, at: At, patch: string): Promise<void> {
  at(630);
  await developer.claim('build');
  at(1020);
  await developer.upload('build', 'patch-auth.diff', patch);
  at(1060);
  await developer.broadcast('The patch is in build/patch-auth.diff');
  at(1110);
  await developer.complete('build', {
    outcome: 'complete',
    note: 'orders checks the token',
    nextAgent: 'reviewer',
    artifacts: ['patch-auth.diff'],
  });
  at(1116);
  await developer.run('test', () => at(1119));
}

async function review({ reviewer }: Cast, at: At): Promise<void> {
  at(2640);
  await reviewer.claim('review');
  at(2940);
  await reviewer.send('developer', 'The cart does not ask the middleware. Is that on purpose?');
  at(3120);
  await reviewer.complete('review', {
    outcome: 'blocked',
    note: 'missing auth check, needs rework',
  });
  at(3150);
  await reviewer.send('developer', 'Blocked: src/routes/cart.ts needs the same check.');
}
