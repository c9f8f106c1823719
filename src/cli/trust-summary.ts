import { ownEndpoints } from '../config/place.js';
import type { Settings } from '../config/settings.js';

type Row = readonly [name: string, text: string];

/**
 * Everything a config decides, for the person asked to trust it; nothing else in it has an effect. `bucketFolder` is
 * where a folder really is, links followed, if that can differ from what the config says.
 */
export function trustSummary(
  { file, target, source }: Settings,
  bucketFolder: string | null,
): object {
  const { agent_id, claim_ttl, redact, watch, search, prices } = file.document;
  const { region, profile, transport } = file.document;
  const place =
    target.backend === 'local'
      ? { location: target.root, bucket_folder: bucketFolder }
      : {
          location: target.bucket,
          endpoint: target.endpoint ?? ownEndpoints[target.backend],
          endpoint_variable: source.endpoint.kind === 'environment' ? source.endpoint.name : null,
        };
  return {
    config: file.path,
    backend: target.backend,
    ...place,
    ...(target.backend === 's3' ? { region, profile, transport } : {}),
    credentials: credentialsOf(target),
    project: file.document.project,
    agent: agent_id,
    claim_ttl,
    watch,
    search,
    prices,
    patterns: redact.patterns,
    allow: redact.allow,
    disable: redact.disable,
  };
}

/** The same as text. Everything the config's author could choose freely is quoted. */
export function trustRows(
  { file, target, source }: Settings,
  bucketFolder: string | null,
): readonly Row[] {
  const { agent_id, claim_ttl, redact, watch, search, prices, project } = file.document;
  return [
    ['config', quotedIfOdd(file.path)],
    ['backend', target.backend],
    ...(target.backend === 'local'
      ? [folderRow(target.root, bucketFolder)]
      : storeRows(target, source.endpoint)),
    ['credentials', credentialTexts[credentialsOf(target)]],
    ['project', project],
    ['agent', agent_id ?? '-'],
    ['claim ttl', claim_ttl ?? '-'],
    ['watch', watchText(watch)],
    ['search', search.publish ? 'packs are published' : 'packs are not published'],
    ['prices', listed(Object.keys(prices).map((model) => JSON.stringify(model)))],
    [
      'patterns',
      listed(redact.patterns.map(({ name, pattern }) => `${name} ${JSON.stringify(pattern)}`)),
    ],
    ['allow', listed(redact.allow.map((text) => JSON.stringify(text)))],
    ['disable', listed(redact.disable.map((text) => JSON.stringify(text)))],
  ];
}

function folderRow(root: string, bucketFolder: string | null): Row {
  const isElsewhere = bucketFolder !== null && bucketFolder !== root;
  const leads = isElsewhere ? ` (leads to ${quotedIfOdd(bucketFolder)})` : '';
  return ['location', `${quotedIfOdd(root)}${leads}`];
}

/** A name with spaces could pass for another row, or for a remark of ours. */
function quotedIfOdd(name: string): string {
  return /^[^\s"'()]+$/.test(name) ? name : JSON.stringify(name);
}

function storeRows(
  target: Exclude<Settings['target'], { readonly backend: 'local' }>,
  endpoint: Settings['source']['endpoint'],
): Row[] {
  const named = target.endpoint ?? ownEndpoints[target.backend];
  const said = endpoint.kind === 'environment' ? ` (says ${endpoint.name}, not the config)` : '';
  const rows: Row[] = [
    ['location', quotedIfOdd(target.bucket)],
    ['endpoint', `${target.endpoint === undefined ? named : quotedIfOdd(named)}${said}`],
  ];
  if (target.backend === 'hf') return rows;
  return [
    ...rows,
    ['region', target.region ?? '-'],
    ['profile', target.profile === undefined ? '-' : quotedIfOdd(target.profile)],
    ['transport', target.transport ?? '-'],
  ];
}

type Credentials = keyof typeof credentialTexts;

const credentialTexts = {
  none: 'none',
  config: 'the ones in the config itself',
  token: 'yours: HF_TOKEN, or what "hf auth login" stored',
  profile: 'yours, from the profile the config names',
  aws: 'yours, wherever the AWS tools find them',
} as const;

function credentialsOf(target: Settings['target']): Credentials {
  if (target.backend === 'local') return 'none';
  if (target.backend === 'hf') return target.token === undefined ? 'token' : 'config';
  if (target.accessKey !== undefined) return 'config';
  return target.profile === undefined ? 'aws' : 'profile';
}

function watchText({ interval, since, harness }: Settings['watch']): string {
  return listed([
    ...(interval === undefined ? [] : [`interval ${interval}`]),
    ...(since === undefined ? [] : [`since ${since}`]),
    ...(harness === undefined ? [] : [`harness ${harness.join(' ')}`]),
  ]);
}

function listed(texts: readonly string[]): string {
  return texts.length === 0 ? '-' : texts.join(', ');
}
