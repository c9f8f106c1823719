/** Writes src/usage/list-prices.json: what vendors of models ask, from @pydantic/genai-prices, with its date. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findProvider } from '@pydantic/genai-prices';

/** Published on npm; to be changed with the version in package.json. */
const publishedOn = '2026-09-23';
const vendors = [
  'anthropic',
  'openai',
  'google',
  'deepseek',
  'moonshotai',
  'mistral',
  'x-ai',
  'zai',
  'minimax',
];
/** The package's names of what we count, and ours. */
const kinds = {
  input_mtok: 'input',
  cache_read_mtok: 'cacheRead',
  cache_write_mtok: 'write5m',
  cache_write_1h_mtok: 'write1h',
  output_mtok: 'output',
  web_searches_kcount: 'searches',
};
const manifest = fileURLToPath(new URL('../package.json', import.meta.url));
const target = fileURLToPath(new URL('../src/usage/list-prices.json', import.meta.url));

/** The same on every machine, so that a test can tell whether the file is up to date. */
export function listPrices() {
  const { devDependencies } = JSON.parse(readFileSync(manifest, 'utf8'));
  const version = devDependencies['@pydantic/genai-prices'];
  const models = vendors.flatMap((vendor) => modelsOf(vendor));
  return { source: `@pydantic/genai-prices ${version}`, date: publishedOn, models };
}

function modelsOf(vendor) {
  const provider = findProvider({ providerId: vendor });
  if (provider?.id !== vendor) throw new Error(`no prices of ${vendor}`);
  return provider.models.flatMap(({ id, match, prices }) => {
    const dated = (Array.isArray(prices) ? prices : [{ prices }]).map(datedPrices);
    const isForText = dated.every(
      ({ input, output }) => input !== undefined && output !== undefined,
    );
    return isForText ? [{ vendor, id, ...namesIn(match), prices: dated }] : [];
  });
}

/** Exact names, and those that a date may follow. Anything vaguer is left out: a wrong price is worse than none. */
function namesIn(match) {
  const options = match.or ?? [match];
  const exact = options.flatMap((one) => one.equals ?? []);
  const dated = options.flatMap((one) => one.starts_with ?? []);
  return {
    ...(exact.length === 0 ? {} : { exact }),
    ...(dated.length === 0 ? {} : { dated }),
  };
}

function datedPrices({ constraint, prices }) {
  const told = Object.entries(kinds).flatMap(([theirs, ours]) => {
    const price = prices[theirs];
    if (price === undefined) return [];
    if (typeof price === 'number') return [[ours, price]];
    return [[ours, [price.base, ...price.tiers.map(({ start, price: tier }) => [start, tier])]]];
  });
  return { ...periodOf(constraint), ...Object.fromEntries(told) };
}

function periodOf(constraint) {
  if (constraint === undefined) return {};
  if (constraint.type === 'start_date') return { from: constraint.start_date };
  return { between: [constraint.start_time, constraint.end_time] };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(target, `${JSON.stringify(listPrices(), null, 1)}\n`);
}
