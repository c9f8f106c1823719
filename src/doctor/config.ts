import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { hubTokenPath } from '../bucket/hugging-face/location.js';
import { plainHttpHost, plainHttpWarning } from '../bucket/plain-http.js';
import { placeText } from '../config/place.js';
import {
  findSettings,
  type Settings,
  type SettingsContext,
  type Source,
  trustHint,
} from '../config/settings.js';
import { TracecraftError } from '../errors.js';
import { homeFolder } from '../system-user.js';
import type { Examined, Finding } from './finding.js';

interface ExaminedConfig {
  readonly examined: Examined;
  /** `undefined` if there is none, or none that is usable. */
  readonly settings: Settings | undefined;
}

/** Which config applies here and why, and who acts. */
export async function examineConfig(context: SettingsContext): Promise<ExaminedConfig> {
  try {
    const settings = await findSettings(context);
    if (settings === undefined) return { examined: noConfig, settings };
    const judge = settings.trusted ? judgeConfig : judgeUntrusted;
    return { examined: judge(settings), settings };
  } catch (error) {
    if (!(error instanceof TracecraftError)) throw error;
    const finding: Finding = {
      name: 'config-invalid',
      severity: 'error',
      message: error.message,
      fix: error.hint ?? 'Correct that file.',
    };
    return { examined: { check: 'config', facts: [], findings: [finding] }, settings: undefined };
  }
}

const noConfig: Examined = {
  check: 'config',
  facts: [],
  findings: [
    {
      name: 'no-config',
      severity: 'warning',
      message: 'No config in this folder, in a folder above, or in your home.',
      fix: 'tracecraft init (this project), or tracecraft watch (creates one for everything)',
    },
  ],
};

/** Shows nothing else from an untrusted config: the rest is only its author's claim. */
function judgeUntrusted({ file, target }: Settings): Examined {
  const finding: Finding = {
    name: 'config-untrusted',
    severity: 'warning',
    message: `${file.path} is not trusted: it would talk to ${placeText(target)}, so nothing is sent there or read from there.`,
    fix: trustHint.replace('\n', ' '),
  };
  return { check: 'config', facts: [`${file.path} (not trusted)`], findings: [finding] };
}

function judgeConfig(settings: Settings): Examined {
  const { file, agent, project, source, warnings, redact } = settings;
  const findings: Finding[] = warnings.map((message) => ({
    name: 'config-readable',
    severity: 'warning',
    message,
    fix: `chmod 600 '${file.path}'`,
  }));
  if (agent === undefined) {
    findings.push({
      name: 'no-agent',
      severity: 'warning',
      message: 'No agent is named here: claims and mail need one.',
      fix: 'export TRACECRAFT_AGENT=NAME, or agent_id in the config',
    });
  }
  const inClear = plainHttpHost(settings.target);
  if (inClear !== undefined) {
    findings.push({
      name: 'plain-http',
      severity: 'warning',
      message: `${plainHttpWarning(inClear)}.`,
      fix: `Give the store a certificate and name it with https in ${file.path}.`,
    });
  }
  if (redact.disable.length > 0) {
    findings.push({
      name: 'redaction-reduced',
      severity: 'note',
      message: `These redaction rules are switched off: ${redact.disable.join(', ')}.`,
      fix: `Remove them from redact.disable in ${file.path}.`,
    });
  }
  const facts = [
    file.path,
    `project ${project}`,
    ...(agent === undefined ? [] : [`agent ${agent}, says ${sourceName(source.agent)}`]),
  ];
  return { check: 'config', facts, findings };
}

function sourceName(source: Source): string {
  if (source.kind === 'environment') return source.name;
  return source.kind === 'default' ? 'nobody' : source.path;
}

/**
 * Where the bucket's credentials were found, never their values. Machine roles and SSO are not
 * checked.
 */
export async function credentialPlaces(
  { target, file }: Settings,
  env: Readonly<Record<string, string | undefined>>,
): Promise<readonly string[]> {
  if (target.backend === 'local') return [];
  if (target.backend === 'hf') {
    const path = hubTokenPath(env);
    return [
      ...(target.token === undefined ? [] : [file.path]),
      ...['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN'].filter((name) => env[name]),
      ...((await isThere(path)) ? [path] : []),
    ];
  }
  const home = homeFolder(env);
  const path = env.AWS_SHARED_CREDENTIALS_FILE || join(home, '.aws', 'credentials');
  return [
    ...(target.accessKey === undefined ? [] : [file.path]),
    ...(env.AWS_ACCESS_KEY_ID && env.AWS_SECRET_ACCESS_KEY ? ['AWS_ACCESS_KEY_ID'] : []),
    ...((await isThere(path)) ? [path] : []),
  ];
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
