/**
 * All orders in which the steps of operations can come, to their ends or to anywhere.
 *
 * Operations of one user that run at once may mix their steps in any order, and nobody
 * says which it was: every world that can come out is answered with what each client
 * would have heard.
 */
import type { Result, Stage } from "./model-stages.ts";
import type { World } from "./model-world.ts";

export interface Possible {
  readonly world: World;
  /** Of the operations, in their order; undefined: not at its end. */
  readonly results: readonly (Result | undefined)[];
}

/** Nothing is under way any more. */
export function endings(worlds: readonly World[], stages: readonly Stage[]): Possible[] {
  return explore(worlds, stages).filter(({ results }) => !results.includes(undefined));
}

/** Stopped anywhere: before the first step, behind the last one, or between. */
export function explore(worlds: readonly World[], stages: readonly Stage[]): Possible[] {
  const found: Possible[] = [];
  const go = (world: World, pending: readonly (Stage | Result)[]): void => {
    found.push({ world, results: pending.map((next) => (isStage(next) ? undefined : next)) });
    for (const [index, stage] of pending.entries()) {
      if (!isStage(stage)) continue;
      for (const { world: later, next } of stage(world)) go(later, pending.with(index, next));
    }
  };
  for (const world of worlds) go(world, stages);
  return found;
}

function isStage(next: Stage | Result): next is Stage {
  return typeof next === "function";
}
