import { defaultTtlMs } from '../coordination/agents/liveness.js';
import { registerAgent } from '../coordination/agents/registration.js';
import { pinArtifacts } from '../coordination/artifacts/pins.js';
import { uploadArtifacts } from '../coordination/artifacts/upload.js';
import { acquire, type ClaimResult } from '../coordination/claims/claims.js';
import { complete, type Report } from '../coordination/claims/finish-claim.js';
import { type HolderFiles, openHolderFiles } from '../coordination/claims/holder-files.js';
import type { CoordinationContext } from '../coordination/context.js';
import { sendMail } from '../coordination/mail/mailbox.js';
import { setMemory } from '../coordination/memory/memory.js';
import { addSteps } from '../coordination/plan/plan-document.js';
import { runStep } from '../coordination/run/run-step.js';
import type { Io } from '../io.js';
import type { NewStep } from '../protocol/plan.js';

/** One agent of the story, acting through the functions the commands call. */
export class Actor {
  readonly #context: CoordinationContext;
  readonly #io: Io;
  readonly #holders: HolderFiles;

  constructor(context: CoordinationContext, io: Io, stateFolder: string) {
    this.#context = context;
    this.#io = io;
    const { agent, sessionId } = context;
    this.#holders = openHolderFiles(io, stateFolder, { agent, place: sessionId });
  }

  async register(): Promise<void> {
    const { bucket, layout, agent, host } = this.#context;
    await registerAgent(bucket, layout, { agent, host, capabilities: bucket.capabilities });
  }

  async plan(steps: readonly NewStep[]): Promise<void> {
    await addSteps(this.#context, steps);
  }

  claim(step: string): Promise<ClaimResult> {
    return acquire(this.#context, this.#holders, {
      step,
      ttlMs: defaultTtlMs,
      reopen: false,
      alongside: async () => undefined,
    });
  }

  /** Holds the step while a command runs; the command succeeds. */
  async run(step: string, command: () => void): Promise<void> {
    const won = await this.claim(step);
    if (won.outcome !== 'claimed') return;
    const end = async (): Promise<number> => {
      command();
      return 0;
    };
    await runStep(this.#context, this.#holders, {
      step,
      won,
      ttlMs: defaultTtlMs,
      start: () => ({ ended: end(), tail: () => '', signal: () => undefined }),
      onFailure: 'block',
      isLock: false,
      report: async () => ({}),
      interrupted: new Promise(() => undefined),
    });
  }

  /** `artifacts`: names of the step. */
  async complete(
    step: string,
    { artifacts: names = [], ...said }: Omit<Report, 'artifacts'> & { artifacts?: string[] },
  ): Promise<void> {
    const artifacts = await pinArtifacts(this.#context, this.#io, step, names);
    await complete(this.#context, this.#holders, { step }, { ...said, artifacts });
  }

  async send(to: string, message: string): Promise<void> {
    await sendMail(this.#context, { to, message });
  }

  async broadcast(message: string): Promise<void> {
    await sendMail(this.#context, { to: null, message });
  }

  async remember(name: string, value: unknown): Promise<void> {
    await setMemory(this.#context, name, value);
  }

  async upload(step: string, name: string, path: string): Promise<void> {
    const size = (await this.#io.stat(path))?.size ?? 0;
    await uploadArtifacts(this.#context, this.#io, { step, sources: [{ path, name, size }] });
  }
}
