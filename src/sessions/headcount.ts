/**
 * How many there are of each, by name; what has none takes no room. Whoever adds one takes it away
 * again once.
 */
export class Headcount {
  readonly #counts = new Map<string, number>();

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  get largest(): number {
    let largest = 0;
    for (const count of this.#counts.values()) largest = Math.max(largest, count);
    return largest;
  }

  add(name: string): void {
    this.#counts.set(name, this.of(name) + 1);
  }

  remove(name: string): void {
    const count = this.of(name) - 1;
    if (count > 0) this.#counts.set(name, count);
    else this.#counts.delete(name);
  }
}
