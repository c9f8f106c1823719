import { resolve } from 'node:path';
import { listArtifacts, resolveArtifact } from '../coordination/artifacts/artifacts.js';
import { downloadArtifacts } from '../coordination/artifacts/download.js';
import { openDownloadFolder } from '../coordination/artifacts/download-folder.js';
import { findSources } from '../coordination/artifacts/sources.js';
import { uploadArtifacts } from '../coordination/artifacts/upload.js';
import { refuseFenced, refuseReplacing } from '../coordination/claims/step-artifacts.js';
import { PartialError } from '../errors.js';
import { nodeIo } from '../io.js';
import { sharedStep } from '../protocol/artifacts.js';
import { stepId } from '../protocol/names.js';
import type { Artifacts } from './artifact-types.js';
import type { SdkContext } from './context.js';
import { textOf } from './environment.js';

export function artifactsOf(acting: SdkContext): Artifacts {
  const { place, warn, cwd } = acting;
  return {
    upload: async (path, { step: named = sharedStep, name } = {}) => {
      const step = stepId(textOf('step', named));
      const file = resolve(cwd, textOf('path', path));
      const { sources } = await findSources(nodeIo, file, { name, recursive: false });
      const { uploaded, failed, stopped } = await acting.act(
        async ({ context, holders, epochOf }) => {
          await refuseFenced(context, holders, { step, epoch: epochOf(step) });
          const epoch = epochOf(step);
          const mayReplace = () => refuseReplacing(context, holders, { step, epoch });
          return uploadArtifacts(context, nodeIo, { step, sources, mayReplace });
        },
      );
      const [sent] = uploaded;
      if (sent !== undefined) return pick(sent);
      throw failureOf(path, failed[0]?.error ?? stopped);
    },
    download: async (name, options) => {
      const path = resolve(cwd, textOf('folder', options?.folder));
      const step = options.step === undefined ? undefined : stepId(textOf('step', options.step));
      const artifact = await resolveArtifact(place, textOf('name', name), step);
      const folder = await openDownloadFolder(path, { force: options.force === true });
      try {
        const report = await downloadArtifacts(place, nodeIo, { artifacts: [artifact], folder });
        const [fetched] = report.downloaded;
        if (fetched === undefined) throw failureOf(name, report.failed[0]?.error ?? report.stopped);
        if (!fetched.verified)
          warn(`no SHA-256 was recorded for ${name}: it could not be verified`);
        return fetched.path;
      } finally {
        await folder.close();
      }
    },
    list: async (step) => {
      const wanted = step === undefined ? {} : { step: stepId(textOf('step', step)) };
      const { artifacts, skipped } = await listArtifacts(place, wanted);
      for (const error of skipped) warn(error.message);
      return artifacts.map((one) => pick({ ...one, sha256: one.upload?.sha256 ?? null }));
    },
  };
}

interface Listed {
  readonly step: string;
  readonly name: string;
  readonly size: number;
  readonly sha256: string | null;
}

function pick({ step, name, size, sha256 }: Listed): Listed {
  return { step, name, size, sha256 };
}

function failureOf(what: string, reason: unknown): Error {
  return reason instanceof Error ? reason : new PartialError(`not done: ${what}`);
}
