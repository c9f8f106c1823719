/** Values in the order in which they first occur, each with its number. */
export class Numbered<Value> {
  readonly #values: Value[] = [];
  readonly #numbers = new Map<Value, number>();

  get values(): readonly Value[] {
    return this.#values;
  }

  of(value: Value): number {
    const known = this.#numbers.get(value);
    if (known !== undefined) return known;
    const number = this.#values.push(value) - 1;
    this.#numbers.set(value, number);
    return number;
  }
}
