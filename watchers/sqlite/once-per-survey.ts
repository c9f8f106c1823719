import type { Survey } from '../../src/mirror/stream.js';

/** A question about a database that all its sessions have: asked once in a survey, and every time outside of one. */
export class OncePerSurvey<Answer> {
  readonly #ask: () => Promise<Answer>;
  readonly #answers = new WeakMap<Survey, Promise<Answer>>();

  constructor(ask: () => Promise<Answer>) {
    this.#ask = ask;
  }

  in(survey: Survey | undefined): Promise<Answer> {
    if (survey === undefined) return this.#ask();
    const known = this.#answers.get(survey);
    if (known !== undefined) return known;
    const answer = this.#ask();
    this.#answers.set(survey, answer);
    return answer;
  }
}
