/** Results as text: one line for each series, with its ratio and its aim, in columns. */
import { aimText, judge } from "./aims.ts";
import type { Judged } from "./aims.ts";
import { compare, groupsOf, medianOf, primaryOf, spreadOf } from "./results.ts";
import type { Series, Spread } from "./results.ts";

type Row = readonly string[];

const HEAD: Row = ["", "", "who", "median", "spread", "rate", "ratio", "spread", ""];

export function tableOf(series: readonly Series[]): string {
  const judged = judge(series);
  return columns([HEAD, ...groupsOf(series).flatMap((group) => rowsOf(group, judged))]);
}

function rowsOf(group: readonly Series[], judged: readonly Judged[]): Row[] {
  const [first] = group;
  if (first === undefined) return [];
  const { workload, what } = first;
  const primary = primaryOf(group);
  const own = judged.filter((one) => one.aim.workload === workload && one.what === what);
  const shown = new Set<Judged>();
  const rows = group.map((series, index): Row => {
    const isPrimary = series === primary;
    const comparison = primary === undefined || isPrimary ? undefined : compare(primary, series);
    const aim = own.find((one) =>
      one.comparison === undefined
        ? one.aim.ours === series.who
        : !one.isBest && one.aim.ours === primary?.who && one.comparison.against === series.who,
    );
    if (aim !== undefined) shown.add(aim);
    return [
      ...(index === 0 ? [workload, what] : ["", ""]),
      series.who,
      ...figureCells(series),
      ...ratioCells(comparison?.ratio),
      aim === undefined ? "" : aimText(aim),
    ];
  });
  for (const one of own) {
    if (shown.has(one) || one.comparison === undefined) continue;
    const { ours, against, ratio } = one.comparison;
    const label = typeof one.aim.against === "object" ? `${one.aim.against.label}, ` : "";
    rows.push([
      "",
      "",
      `${ours} : ${label}${against}`,
      "",
      "",
      "",
      ...ratioCells(ratio),
      aimText(one),
    ]);
  }
  return rows;
}

function figureCells({ values, unit, bytes }: Series): Row {
  const { median, least, most } = spreadOf(values);
  const rate = bytes === undefined ? "" : `${Math.round(bytes / median / 1e6)} MB/s`;
  const spread = values.length < 2 ? "" : `${short(least)} to ${short(most)}`;
  return [`${short(median)} ${unit}`, spread, rate];
}

function ratioCells(ratio: Spread | undefined): Row {
  if (ratio === undefined) return ["", ""];
  const { median, least, most } = ratio;
  if (!Number.isFinite(median)) return ["-", ""];
  return [median.toFixed(2), least === most ? "" : `${least.toFixed(2)} to ${most.toFixed(2)}`];
}

/** Series of the same workload at several sizes. */
export interface Step {
  readonly factor: number;
  readonly series: readonly Series[];
}

/** How cost grows: the median at each step, and how many times the one before it is. */
export function growthOf(steps: readonly Step[]): string {
  const [first, ...others] = steps;
  if (first === undefined) return "";
  const head: Row = ["", "", "who", `x ${first.factor}`];
  const further = others.map(({ factor }) => [`x ${factor}`, "times"]);
  const all = Map.groupBy(
    steps.flatMap(({ series }) => series),
    ({ workload, what, who }) => [workload, what, who].join("\n"),
  );
  const rows = [...all].map(([key, [{ unit } = { unit: "s" }]]): Row => {
    const cells = key.split("\n");
    let before = Number.NaN;
    for (const [index, step] of steps.entries()) {
      const same = step.series.find(
        ({ workload, what, who }) => [workload, what, who].join("\n") === key,
      );
      const median = medianOf(same?.values ?? []);
      cells.push(Number.isFinite(median) ? `${short(median)} ${unit}` : "-");
      if (index > 0) cells.push(short(median / before));
      before = median;
    }
    return cells;
  });
  return columns([[...head, ...further.flat()], ...rows]);
}

/** Three digits. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return "-";
  return value >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

function columns(rows: readonly Row[]): string {
  const count = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_hole, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
