import { spawn } from 'node:child_process';
import { appendFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type CliResult, type CliWorld, collect } from '../support/run-cli.js';
import type { ScriptedModel } from '../support/scripted-model.js';

/** One machine: a home folder with the clients' settings, and our config for the shared bucket. */
export class Machine {
  readonly home: string;
  readonly #world: CliWorld;
  readonly #model: ScriptedModel;

  private constructor(world: CliWorld, home: string, model: ScriptedModel) {
    this.#world = world;
    this.home = home;
    this.#model = model;
  }

  static async create(world: CliWorld, name: string, model: ScriptedModel): Promise<Machine> {
    const machine = new Machine(world, join(world.root, name), model);
    await mkdir(join(machine.home, '.codex'), { recursive: true });
    await writeFile(join(machine.home, '.codex', 'config.toml'), codexConfig(model.port));
    await mkdir(join(machine.home, '.pi', 'agent'), { recursive: true });
    await writeFile(join(machine.home, '.pi', 'agent', 'models.json'), piModels(model.port));
    const bucket = join(world.root, 'bucket');
    const where = ['--global', '--backend', 'local', '--bucket', bucket];
    await machine.tracecraft('init', ...where, '--project', 'p', '--agent', name);
    return machine;
  }

  async tracecraft(...args: readonly string[]): Promise<CliResult> {
    const result = await this.attempt(...args);
    if (result.code !== 0) throw new Error(`${args.join(' ')}: ${result.stdout}${result.stderr}`);
    return result;
  }

  attempt(...args: readonly string[]): Promise<CliResult> {
    return this.#world.run(args, { env: { HOME: this.home } });
  }

  /** Runs one of the clients in a folder until it ends. */
  async client(program: string, args: readonly string[], cwd: string): Promise<CliResult> {
    const child = spawn(program, args, {
      cwd,
      env: {
        PATH: `${dirname(program)}:${process.env.PATH ?? ''}`,
        HOME: this.home,
        ANTHROPIC_BASE_URL: `http://127.0.0.1:${this.#model.port}`,
        ANTHROPIC_API_KEY: 'none',
        OPENAI_API_KEY: 'none',
        DISABLE_AUTOUPDATER: '1',
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const result = await collect(child);
    if (result.code === 0) return result;
    throw new Error(`${program} ${args.join(' ')}: ${result.stdout}${result.stderr}`);
  }

  /** The only transcript of a client here. */
  async transcript(folder: string): Promise<string> {
    const entries = await readdir(join(this.home, folder), { recursive: true });
    const found = entries.filter((name) => name.endsWith('.jsonl'));
    const [only] = found;
    if (only === undefined || found.length > 1) throw new Error(`transcripts: ${found.join(', ')}`);
    return join(this.home, folder, only);
  }

  async add(path: string, ...rows: readonly object[]): Promise<void> {
    await appendFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  }
}

function codexConfig(port: number): string {
  return `model_provider = "scripted"

[model_providers.scripted]
name = "scripted"
base_url = "http://127.0.0.1:${port}/v1"
wire_api = "responses"
env_key = "OPENAI_API_KEY"
`;
}

function piModels(port: number): string {
  const [baseUrl, api] = [`http://127.0.0.1:${port}`, 'anthropic-messages'];
  const models = [{ id: 'scripted-1' }];
  return JSON.stringify({ providers: { scripted: { baseUrl, api, apiKey: 'none', models } } });
}
