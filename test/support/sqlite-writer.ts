import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { repositoryRoot } from './run-cli.js';

const script = `
const { createInterface } = require('node:readline');
const { DatabaseSync } = require('@photostructure/sqlite');
const database = new DatabaseSync(process.argv[1], { timeout: 5000 });
createInterface({ input: process.stdin }).on('line', (line) => {
  const { sql, close } = JSON.parse(line);
  try {
    if (close) database.close();
    else database.exec(sql);
    process.stdout.write('{}\\n');
  } catch (error) {
    process.stdout.write(JSON.stringify({ error: error.message }) + '\\n');
  }
});
`;

/** Another process that writes a database, as a harness does. */
export class SqliteWriter {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  readonly #lines: Interface;

  private constructor(child: ChildProcess, lines: Interface) {
    this.#child = child;
    this.#lines = lines;
    this.#answers = lines[Symbol.asyncIterator]();
  }

  static async open(path: string, ...statements: readonly string[]): Promise<SqliteWriter> {
    const stdio = ['pipe', 'pipe', 'inherit'] as const;
    const child = spawn(process.execPath, ['-e', script, path], {
      cwd: repositoryRoot,
      stdio: [...stdio],
    });
    if (child.stdout === null) throw new Error('no output');
    const writer = new SqliteWriter(child, createInterface({ input: child.stdout }));
    for (const statement of statements) await writer.run(statement);
    return writer;
  }

  /** Runs statements; returns when they are done. */
  run(sql: string): Promise<void> {
    return this.#ask({ sql });
  }

  /** Closes the database as a program does that ends properly. */
  async close(): Promise<void> {
    await this.#ask({ close: true });
    await this.#end(() => this.#child.stdin?.end());
  }

  /** Ends as a crash does. */
  kill(): Promise<void> {
    return this.#end(() => this.#child.kill('SIGKILL'));
  }

  async #end(step: () => void): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    step();
    await ended;
    this.#lines.close();
  }

  async #ask(question: object): Promise<void> {
    this.#child.stdin?.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error('the writer ended');
    const { error } = JSON.parse(value) as { readonly error?: string };
    if (error !== undefined) throw new Error(error);
  }
}
