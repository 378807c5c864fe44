/**
 * What was measured: series of figures, one of each pair, and what follows from them. Medians
 * and spreads are of pairs that ran one after the other; no mean, because one disturbance of a
 * machine would be in it.
 */
import type { Machine } from "./machine.ts";

/** Of "MB/s" more is better, of all others less. */
export type Unit = "s" | "MB/s" | "MiB" | "KiB" | "s/GiB";

export interface Figure {
  readonly what: string;
  readonly unit: Unit;
  readonly value: number;
  /** Moved in that time, where a rate says something. */
  readonly bytes?: number;
}

export interface Series {
  readonly workload: string;
  readonly what: string;
  readonly who: string;
  readonly unit: Unit;
  readonly bytes?: number;
  /** In the order of the pairs. */
  readonly values: number[];
}

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export interface Comparison {
  readonly workload: string;
  readonly what: string;
  readonly ours: string;
  readonly against: string;
  /** Above 1 ours is better. */
  readonly ratio: Spread;
}

/** NaN of nothing. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: medianOf(values), least: Math.min(...values), most: Math.max(...values) };
}

/**
 * Pair by pair; what was measured less often is compared as often as it was, and a pair in which
 * one of the two was not is left out. All NaN where no pair is left.
 */
export function compare(ours: Series, theirs: Series): Comparison {
  const ratios = ours.values.flatMap((own, pair) => {
    const other = theirs.values[pair] ?? Number.NaN;
    if (!isMeasured(own) || !isMeasured(other)) return [];
    return [ours.unit === "MB/s" ? own / other : other / own];
  });
  const none = { median: Number.NaN, least: Number.NaN, most: Number.NaN };
  const ratio = ratios.length === 0 ? none : spreadOf(ratios);
  const { workload, what } = ours;
  return { workload, what, ours: ours.who, against: theirs.who, ratio };
}

/** Nothing that is measured here takes no time, no memory and no processor. */
function isMeasured(value: number): boolean {
  return value > 0 && Number.isFinite(value);
}

/** Of a file that `--json` has written, what a picture is made of. */
export interface Measured {
  readonly machine: Machine;
  readonly series: readonly Series[];
}

export interface Left {
  readonly who: string;
  readonly why: string;
}

/** Gathers what one run measures. */
export class Results {
  readonly series: Series[] = [];
  readonly missing: Left[] = [];
  readonly failures: Left[] = [];
  readonly notes: string[] = [];

  /** @throws when it is no figure: then nothing is noted */
  add(workload: string, who: string, { what, unit, value, bytes }: Figure): void {
    if (!isMeasured(value)) throw new Error(`${what}: nothing was measured (${value} ${unit})`);
    const isIt = (one: Series) => one.workload === workload && one.who === who && one.what === what;
    const found = this.series.find(isIt);
    if (found !== undefined) found.values.push(value);
    else {
      const moved = bytes === undefined ? {} : { bytes };
      this.series.push({ workload, what, who, unit, ...moved, values: [value] });
    }
  }

  leaveOut(who: string, why: string): void {
    if (!this.missing.some((one) => one.who === who)) this.missing.push({ who, why });
  }

  fail(who: string, error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    this.failures.push({ who, why });
    console.error(`bench: ${who}: ${why}`);
  }

  note(text: string): void {
    if (!this.notes.includes(text)) this.notes.push(text);
  }
}

/** Series of the same figure, in the order they came in; the first of ftpx's is what others are compared with. */
export function groupsOf(series: readonly Series[]): Series[][] {
  return [...Map.groupBy(series, ({ workload, what }) => `${workload} ${what}`).values()];
}

export function primaryOf(group: readonly Series[]): Series | undefined {
  return group.find(({ who }) => who.startsWith("ftpx"));
}
