/**
 * `npm run bench [-- OPTIONS]`: ftpx and its peers in turn, in one run on one machine; or, with
 * `--draw`, the picture of what an earlier run has measured. options.ts has the options.
 *
 * Machines are shared and noisy: nothing else should run while this measures, and only ratios of
 * one run mean anything. The exit status is 1 when something could not be measured; a missed aim
 * is said and is no failure.
 */
import { stat } from "node:fs/promises";
import { BINARY } from "../test/e2e/binary.ts";
import { judge, plainly } from "./aims.ts";
import { Bench } from "./bench.ts";
import { chartOf } from "./chart.ts";
import { stopErrands, unlessStopped } from "./errand.ts";
import { Ground } from "./ground.ts";
import { machineHere } from "./machine.ts";
import type { Machine } from "./machine.ts";
import { PAIRS_MIN, parseOptions, USAGE } from "./options.ts";
import type { Options } from "./options.ts";
import { Results } from "./results.ts";
import type { Measured } from "./results.ts";
import { growthOf, tableOf } from "./table.ts";
import type { Step } from "./table.ts";
import type { Workload } from "./workloads/workload.ts";
import { WORKLOADS } from "./workloads/workloads.ts";

const NAMES = WORKLOADS.map(({ name }) => name);

async function runAll(
  options: Options,
  factor: number,
  workloads: readonly Workload[],
): Promise<Results> {
  const results = new Results();
  for (const workload of workloads) {
    const [scale, crowd] = workload.grows === "scale" ? [factor, 1] : [1, factor];
    const ground = await Ground.begin(stopErrands);
    try {
      const size = {
        ...options,
        scale: options.scale * scale,
        crowd: options.crowd * crowd,
      };
      await workload.run(new Bench(ground, size, results));
    } catch (error) {
      await unlessStopped();
      results.fail(workload.name, error);
    } finally {
      await ground.end();
    }
  }
  return results;
}

function headline(machine: Machine, { pairs, scale, crowd }: Options): string {
  const few = pairs < PAIRS_MIN ? `, fewer than the ${PAIRS_MIN} that mean something` : "";
  const versions = Object.entries(machine.versions).map((entry) => entry.join(" "));
  return [
    `${machine.processors}, ${machine.memoryGib} GiB, Linux ${machine.kernel}, load ${machine.load}`,
    versions.join(", "),
    `medians of ${pairs} pairs${few}; scale ${scale}, crowd ${crowd}`,
    "a ratio above 1: ftpx is that many times as fast, or takes that many times less",
  ].join("\n");
}

function report(options: Options, results: Results, workloads: readonly Workload[]): string {
  const lines = workloads.map(({ name, about }) => `${name}  ${about}`);
  const { missing, failures, notes } = results;
  return [
    ...lines,
    ...(options.scale === 1 ? [] : [`(sizes are multiplied by ${options.scale})`]),
    "",
    tableOf(results.series),
    "",
    ...notes,
    ...missing.map(({ who, why }) => `left out: ${who}: ${why}`),
    ...failures.map(({ who, why }) => `FAILED: ${who}: ${why}`),
  ].join("\n");
}

let options: Options;
try {
  options = parseOptions(process.argv.slice(2), NAMES);
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(64);
}
if (options.isHelp) {
  console.log(USAGE);
  process.exit(0);
}
if (options.draw !== undefined && options.svg !== undefined) {
  const measured = (await Bun.file(options.draw).json()) as Measured;
  await Bun.write(options.svg, chartOf(measured.series, measured.machine));
  process.exit(0);
}
await stat(BINARY);
const machine = machineHere();
console.log(`${headline(machine, options)}\n`);
const workloads = WORKLOADS.filter(({ name }) => options.only.includes(name));
const steps: Step[] = [];
const all: Results[] = [];
for (const factor of options.steps ?? [1]) {
  const results = await runAll(options, factor, workloads);
  all.push(results);
  steps.push({ factor, series: results.series });
  if (steps.length > 1 || options.steps === undefined) console.log("");
  if (options.steps !== undefined) console.log(`x ${factor}`);
  console.log(report(options, results, workloads));
}
if (options.steps !== undefined) console.log(`\nhow cost grows\n\n${growthOf(steps)}`);
const last = all.at(-1) ?? new Results();
if (options.json !== undefined) {
  const { pairs, scale, crowd } = options;
  const { series, missing, failures, notes } = last;
  const document = {
    date: new Date().toISOString(),
    machine,
    pairs,
    scale,
    crowd,
    series,
    aims: judge(series).map(plainly),
    missing,
    failures,
    notes,
    ...(options.steps === undefined ? {} : { steps }),
  };
  await Bun.write(options.json, `${JSON.stringify(document, undefined, 1)}\n`);
}
if (options.svg !== undefined) await Bun.write(options.svg, chartOf(last.series, machine));
process.exit(all.some(({ failures }) => failures.length > 0) ? 1 : 0);
