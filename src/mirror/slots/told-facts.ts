import type { Redactor } from '../../redact/redact.js';
import type { SessionFacts, Stream } from '../stream.js';

/** What the lines of a stream tell of its session. */
export class ToldFacts {
  facts: SessionFacts = {};
  readonly #redactor: Redactor;

  constructor(redactor: Redactor) {
    this.#redactor = redactor;
  }

  /** Facts are lifted from redacted lines: cut short, half a secret would no longer be known as one. */
  observe(source: Stream, redacted: Buffer): void {
    this.facts = source.facts(redacted, this.facts);
  }

  observeSource(source: Stream, line: Buffer): void {
    this.observe(source, this.#redactor.redact(line).bytes);
  }
}
