import { secretVariables } from '../../watchers/names.js';
import type { Settings } from '../config/settings.js';
import { secretsOf } from '../redact/env-secrets.js';

/** Secrets this process knows before reading anything: its environment and the keys in the config. */
export function knownFromHere(
  settings: Settings | undefined,
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const { access_key = null, secret_key = null, hf_token = null } = settings?.file.document ?? {};
  const own = [access_key, secret_key, hf_token].filter((key) => key !== null);
  return [...own, ...secretsOf(env, secretVariables)];
}
