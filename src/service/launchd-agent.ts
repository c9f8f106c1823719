import { openSeal, type Sealed, type ServiceSpec, sealOf } from './spec.js';

export const agentLabel = 'tracecraft.watch';

/**
 * A property list for launchd, with the keys of launchd.plist(5). Unlike systemd, launchd has no memory limit and no
 * growing pauses between restarts.
 */
export function renderPlist(spec: ServiceSpec): string {
  const body = `${header}\n${dictionary(entriesOf(spec), '')}\n</plist>\n`;
  return `${declaration}\n<!-- ${sealOf(spec, body)} -->\n${body}`;
}

export function readPlist(text: string): Sealed | undefined {
  const start = `${declaration}\n<!-- `;
  const end = text.indexOf(' -->\n');
  if (!text.startsWith(start) || end === -1) return undefined;
  return openSeal(text.slice(start.length, end), text.slice(end + ' -->\n'.length));
}

const declaration = '<?xml version="1.0" encoding="UTF-8"?>';
const header = [
  '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
  '<plist version="1.0">',
].join('\n');

type Value = string | number | boolean | readonly string[] | { readonly [key: string]: Value };

function entriesOf(spec: ServiceSpec): Record<string, Value> {
  return {
    Label: agentLabel,
    ProgramArguments: programArguments(spec),
    WorkingDirectory: spec.folder,
    EnvironmentVariables: spec.variables,
    RunAtLoad: true,
    KeepAlive: { SuccessfulExit: false },
    ThrottleInterval: 30,
    ExitTimeOut: 30,
    ProcessType: 'Background',
    Nice: 5,
    LowPriorityIO: true,
    Umask: 0o077,
    ...(spec.log === null ? {} : { StandardOutPath: spec.log, StandardErrorPath: spec.log }),
  };
}

/** launchd has no environment files, so a shell reads it and then becomes the program. */
const readingSecrets = 'set -a; . "$1"; shift; exec "$@"';

function programArguments(spec: ServiceSpec): readonly string[] {
  const command = [spec.node, spec.script, ...spec.args];
  if (spec.secrets === null) return command;
  return ['/bin/sh', '-c', readingSecrets, 'sh', spec.secrets, ...command];
}

function element(value: Value, indent: string): string {
  if (typeof value === 'string') return `${indent}<string>${escaped(value)}</string>`;
  if (typeof value === 'number') return `${indent}<integer>${value}</integer>`;
  if (typeof value === 'boolean') return `${indent}<${value}/>`;
  if (isList(value)) {
    const items = value.map((item) => element(item, `${indent}\t`));
    return [`${indent}<array>`, ...items, `${indent}</array>`].join('\n');
  }
  return dictionary(value, indent);
}

function dictionary(entries: { readonly [key: string]: Value }, indent: string): string {
  const lines = Object.entries(entries).flatMap(([key, value]) => [
    `${indent}\t<key>${escaped(key)}</key>`,
    element(value, `${indent}\t`),
  ]);
  return [`${indent}<dict>`, ...lines, `${indent}</dict>`].join('\n');
}

/** Array.isArray does not narrow a readonly list in a union. */
function isList(value: Value): value is readonly string[] {
  return Array.isArray(value);
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
