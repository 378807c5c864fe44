/**
 * Rules of `--include` and `--exclude`, first match wins, as a filter of trees (foliage.ts).
 *
 * A pattern with a slash is a path from the root of the tree; one without is any name; a slash
 * at the end means directories only. A dot is a character like others: who leaves `*` out
 * means all. What lies below a directory that is left out is not looked at.
 */
import { matchesNames, parseGlob } from "../base/glob.ts";
import type { Alternative } from "../base/glob.ts";
import type { TreeFilter } from "./foliage.ts";

export interface Rule {
  readonly isIncluding: boolean;
  /** The place among all rules of both options, whose values come as two lists. */
  readonly order: number;
  readonly alternatives: readonly Alternative[];
}

let ruleCount = 0;

/** @throws FtpxError USAGE for braces without end */
export function parseRule(pattern: string, isIncluding: boolean): Rule {
  ruleCount += 1;
  return { isIncluding, order: ruleCount, alternatives: parseGlob(pattern) };
}

/** Nothing where there are no rules. */
export function filterOf(rules: readonly Rule[]): TreeFilter | undefined {
  if (rules.length === 0) return undefined;
  const ordered = rules.toSorted((a, b) => a.order - b.order);
  return (relative, isDirectory) => {
    const names = relative.split("/");
    const found = ordered.find(({ alternatives }) =>
      alternatives.some((alternative) => fits(alternative, names, isDirectory)),
    );
    return found?.isIncluding ?? true;
  };
}

function fits(
  { segments, isAbsolute, isDirectory: isForDirectories }: Alternative,
  names: readonly string[],
  isDirectory: boolean,
): boolean {
  if (isForDirectories && !isDirectory) return false;
  const [only] = segments;
  const isName = segments.length === 1 && !isAbsolute;
  if (isName && only?.isDeep !== true) return only?.matches(names.at(-1) ?? "", true) === true;
  return matchesNames(segments, names, true);
}
