// Races for steps: processes of the built CLI, and the library alone. Usage: npm run bench:claims [-- --full [--sizes 2,4,8]]
// Simultaneous: the conditional PUTs are held until all of them are there. Staggered: each process starts 25 ms after the last.
import { join } from 'node:path';
import { writeReport } from './machine.mjs';
import { isFull, loadLibrary, openStand, quantile, round } from './stand.mjs';
import { costOfRun, racesForNext, racesOfRuns } from './workers.mjs';

const allSizes = isFull ? [2, 4, 8, 16, 32, 50] : [2, 8, 50];
/** Processes in a race. `--sizes` is for slow machines: as many races, of fewer processes; the library's races stay. */
const sizes = sizesFromCommandLine() ?? allSizes;
const racesEach = isFull ? Math.ceil(600 / sizes.length) : 2;
const staggerMs = 25;
const stand = await openStand();

try {
  await stand.init(stand.proxy.endpoint);
  const library = await loadLibrary([
    "export { openS3Bucket } from 'src/bucket/s3/bucket.js';",
    "export { withRetry, patientRetry } from 'src/bucket/retry.js';",
    "export { acquire } from 'src/coordination/claims/claims.js';",
    "export { bucketLayout } from 'src/protocol/keys.js';",
    "export { openHolderFiles } from 'src/coordination/claims/holder-files.js';",
    "export { systemClock } from 'src/clock.js';",
    "export { nodeIo } from 'src/io.js';",
  ]);
  const fresh = library.openS3Bucket(stand.server);
  const races = [];
  for (const mode of ['simultaneous', 'staggered']) {
    for (const processes of sizes) {
      for (let n = 0; n < racesEach; n += 1) {
        const step = `${mode}-${processes}-${n}`;
        races.push({ way: 'processes', mode, processes, ...(await race(step, mode, processes)) });
      }
      console.error(`${mode}, ${processes} processes: ${racesEach} races`);
    }
  }
  const alone = isFull ? 1_200 : 60;
  for (let n = 0; n < alone; n += 1)
    races.push(await raceOfLibrary(n, allSizes[n % allSizes.length]));
  races.push(...(await racesForNext(stand, isFull ? [32, 200] : [4, 12], ownerOf)));
  races.push(...(await racesOfRuns(stand, isFull ? [8, 50] : [4, 3], ownerOf)));
  const cost = await costOfRun(stand, isFull ? 40 : 5);
  await fresh.close();

  const groups = grouped(races);
  const table = groups.map((some) => ({
    way: some[0].way,
    mode: some[0].mode,
    processes: some[0].processes,
    races: some.length,
    one_winner: some.filter(({ winners, is_owner }) => winners === 1 && is_owner).length,
    other_failures: some.reduce((sum, { failures }) => sum + failures, 0),
    ms_p50: round(
      quantile(
        some.map(({ ms }) => ms),
        0.5,
      ),
    ),
    winner_ms_p50: round(
      quantile(
        some.map(({ winner_ms }) => winner_ms),
        0.5,
      ),
    ),
  }));
  console.table(table);
  console.table(cost);
  await writeReport('claims', {
    full: isFull,
    sizes,
    ...stand.about(),
    stagger_ms: staggerMs,
    table,
    cost,
    races,
  });

  async function race(step, mode, processes) {
    stand.proxy.reset();
    stand.proxy.state.hold = mode === 'simultaneous' ? barrier(processes) : undefined;
    const began = performance.now();
    const results = await Promise.all(
      Array.from({ length: processes }, async (_, n) => {
        if (mode === 'staggered') await new Promise((go) => setTimeout(go, n * staggerMs));
        const started = performance.now();
        const { code } = await stand.run(['claim', step], { agent: `agent-${n}` });
        return { code, agent: `agent-${n}`, ms: performance.now() - started };
      }),
    );
    stand.proxy.state.hold = undefined;
    const winners = results.filter(({ code }) => code === 0);
    return {
      winners: winners.length,
      failures: results.filter(({ code }) => code !== 0 && code !== 4).length,
      is_owner: (await ownerOf(step)) === winners[0]?.agent,
      ms: round(performance.now() - began, 1),
      winner_ms: round(winners[0]?.ms ?? 0, 1),
    };
  }

  async function raceOfLibrary(n, processes) {
    const step = `library-${n}`;
    const began = performance.now();
    const results = await Promise.all(
      Array.from({ length: processes }, async (_, index) => {
        const agent = `agent-${index}`;
        const once = library.openS3Bucket(stand.server);
        const context = {
          bucket: library.withRetry(once, {
            clock: library.systemClock,
            ...library.patientRetry,
          }),
          layout: library.bucketLayout(stand.project),
          agent,
          host: 'bench',
          clock: library.systemClock,
        };
        const request = { step, ttlMs: null, reopen: false, alongside: async () => undefined };
        const identity = { agent, place: 'bench' };
        const held = library.openHolderFiles(library.nodeIo, join(stand.work, 'held'), identity);
        const { outcome } = await library.acquire(context, held, request).catch(() => ({}));
        await once.close();
        return { agent, outcome, ms: performance.now() - began };
      }),
    );
    const winners = results.filter(({ outcome }) => outcome === 'claimed');
    return {
      way: 'library',
      mode: 'simultaneous',
      processes,
      winners: winners.length,
      failures: results.filter(({ outcome }) => outcome === undefined).length,
      is_owner: (await ownerOf(step)) === winners[0]?.agent,
      ms: round(performance.now() - began, 1),
      winner_ms: round(winners[0]?.ms ?? 0, 1),
    };
  }

  /** By a client that had no part in the race, straight from the store. */
  async function ownerOf(step) {
    const object = await fresh.get(`${stand.project}/steps/${step}/claim.json`);
    return object === undefined ? undefined : JSON.parse(object.body.toString('utf8')).agent;
  }
} finally {
  await stand.close();
}

function nameOf({ way, mode, processes }) {
  return `${way} ${mode} ${processes}`;
}

function grouped(races) {
  const names = new Set(races.map(nameOf));
  return [...names].map((name) => races.filter((race) => nameOf(race) === name));
}

/** Lets all go when the last has come, or nobody did for a while (one that came late saw the claim and did not write). */
function barrier(size) {
  let waiting = [];
  let timer;
  const release = () => {
    for (const go of waiting) go();
    waiting = [];
  };
  return ({ kind, key }) => {
    if (kind !== 'PUT' || !key.endsWith('/claim.json')) return undefined;
    return new Promise((go) => {
      waiting.push(go);
      clearTimeout(timer);
      if (waiting.length === size) release();
      else timer = setTimeout(release, 5_000);
    });
  };
}

function sizesFromCommandLine() {
  const at = process.argv.indexOf('--sizes');
  if (at === -1) return undefined;
  const sizes = (process.argv[at + 1] ?? '').split(',').map(Number);
  if (sizes.every((size) => Number.isInteger(size) && size > 1)) return sizes;
  throw new Error('--sizes takes whole numbers above 1, such as 2,4,8');
}
