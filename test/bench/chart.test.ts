import { expect, test } from "bun:test";
import { join } from "node:path";
import { chartOf } from "../../bench/chart.ts";
import type { Measured, Series } from "../../bench/results.ts";

const MACHINE = {
  processors: "2 x <AMD>",
  memoryGib: 24,
  kernel: "6.1",
  load: 0,
  versions: { ftpx: "0.1.0" },
};

function seriesOf(who: string, ...values: number[]): Series {
  return { workload: "W1", what: "get", who, unit: "s", values };
}

/** What the lines of the scale are called, which stands in both columns. */
function gridOf(picture: string): (string | undefined)[] {
  const names = [...picture.matchAll(/font-size="10">([^<]+)</gu)].map(([, name]) => name);
  return [...new Set(names)];
}

test("each peer has a bar with its ratio, and the aim is marked", () => {
  const picture = chartOf([seriesOf("ftpx sha256", 1, 1), seriesOf("sftp", 2, 4)], MACHINE);

  expect(picture).toContain(">W1 get, ftpx sha256</text>");
  expect(picture).toContain(">sftp</text>");
  expect(picture).toContain(">3.00</text>");
  expect(picture.match(/stroke="#d1242f"/gu)).toHaveLength(1);
});

test("twice as fast and half as fast are equally far from 1", () => {
  const picture = chartOf(
    [seriesOf("ftpx sha256", 2), seriesOf("rsync", 4), seriesOf("cp", 1)],
    MACHINE,
  );

  const widths = [...picture.matchAll(/<rect x="[\d.]+" y="\d+" width="([\d.]+)"/gu)];
  expect(new Set(widths.map(([, width]) => width)).size).toBe(1);
});

test("a pair that was not measured neither widens the scale nor counts", () => {
  const ours = seriesOf("ftpx sha256", 1, 1, 1);
  const whole = [ours, seriesOf("rsync", 2, 2, 4)];
  const holed = [ours, seriesOf("rsync", 0, 2, Number.POSITIVE_INFINITY)];

  expect(chartOf(holed, MACHINE)).toContain(">2.00</text>");
  expect(gridOf(chartOf(holed, MACHINE))).toEqual(["1/2", "1", "2"]);
  expect(gridOf(chartOf(whole, MACHINE))).toEqual(["1/2", "1", "2", "4"]);
});

test("who was never measured is said to be, in a picture that ends", () => {
  const picture = chartOf([seriesOf("ftpx sha256", 1), seriesOf("sftp", 0)], MACHINE);

  expect(picture).toContain(">sftp</text>");
  expect(picture).toContain(">not measured</text>");
  expect(picture).not.toMatch(/NaN|Infinity|undefined/u);
});

test("words in a picture are text, and a picture of nothing has no NaN", () => {
  const picture = chartOf([], MACHINE);

  expect(picture).toContain("2 x &lt;AMD&gt;");
  expect(picture).not.toMatch(/NaN|Infinity|undefined/u);
});

test("the picture that is committed is of the results that are", async () => {
  const folder = join(import.meta.dir, "../../bench");
  const measured = (await Bun.file(join(folder, "results.json")).json()) as Measured;

  const picture = chartOf(measured.series, measured.machine);

  // How to make it again: bun bench/main.ts --draw bench/results.json --svg bench/results.svg
  expect(await Bun.file(join(folder, "results.svg")).text()).toBe(picture);
});
