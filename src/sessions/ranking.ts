/**
 * A table by name whose rows have a rank, a whole number, and which can forget the row of the
 * lowest one; of several, the one that has it longest. So a table of what strangers do stays
 * bounded, and what costs them most is remembered. When to forget is the owner's to say.
 */
export class Ranking<Row> {
  readonly #rankOf: (row: Row) => number;
  readonly #rows = new Map<string, Row>();
  /** The names by rank, who has it longest first. */
  readonly #names = new Map<number, Set<string>>();
  /** No row has a lower rank. */
  #lowest = Number.POSITIVE_INFINITY;

  /** @param rankOf always the same for the same row */
  constructor(rankOf: (row: Row) => number) {
    this.#rankOf = rankOf;
  }

  get size(): number {
    return this.#rows.size;
  }

  find(name: string): Row | undefined {
    return this.#rows.get(name);
  }

  set(name: string, row: Row): void {
    this.delete(name);
    const rank = this.#rankOf(row);
    const names = this.#names.get(rank) ?? new Set<string>();
    this.#rows.set(name, row);
    this.#names.set(rank, names.add(name));
    this.#lowest = Math.min(this.#lowest, rank);
  }

  delete(name: string): void {
    const row = this.#rows.get(name);
    if (row === undefined) return;
    this.#rows.delete(name);
    const rank = this.#rankOf(row);
    const names = this.#names.get(rank);
    names?.delete(name);
    if (names?.size === 0) this.#names.delete(rank);
  }

  namesAt(rank: number): Iterable<string> {
    return this.#names.get(rank) ?? [];
  }

  entries(): Iterable<[string, Row]> {
    return this.#rows.entries();
  }

  /** The lowest rank, above all numbers when there is no row; each rank is passed once. */
  findLowest(): number {
    if (this.#names.size === 0) this.#lowest = Number.POSITIVE_INFINITY;
    else while (!this.#names.has(this.#lowest)) this.#lowest += 1;
    return this.#lowest;
  }

  forgetLowest(): void {
    for (const name of this.namesAt(this.findLowest())) {
      this.delete(name);
      return;
    }
  }
}
