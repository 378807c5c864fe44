/**
 * Results as an SVG picture, in the look of the soak's: for each figure a bar for each peer, as
 * long as ftpx is faster, on a scale where twice as fast and half as fast are equally far from 1.
 * A line through a bar's end is its spread, a mark the aim. The panels stand in two columns.
 */
import { escapeText, sheetOf } from "../test/documents/sheet.ts";
import { judge } from "./aims.ts";
import type { Machine } from "./machine.ts";
import { compare, groupsOf, primaryOf } from "./results.ts";
import type { Comparison, Series } from "./results.ts";

const WIDTH = 960;
const COLUMN_WIDTH = WIDTH / 2;
/** Within a column: names of peers, and room for the number behind a bar. */
const LEFT = 140;
const RIGHT = 50;
const TOP = 62;
const BAR_HEIGHT = 11;
const ROW_HEIGHT = 16;
const TITLE_HEIGHT = 30;

const FASTER = "#1a7f37";
const SLOWER = "#bc4c00";
const AIM = "#d1242f";
const GRID = "#d0d7de";

interface Bar extends Comparison {
  readonly aim: number | undefined;
}

interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
}

export function chartOf(series: readonly Series[], machine: Machine): string {
  const panels = panelsOf(series);
  const ratios = panels
    .flatMap(({ bars }) => bars.flatMap(({ ratio, aim }) => [ratio.least, ratio.most, aim ?? 1]))
    .filter(Number.isFinite);
  const [least, most] = [powerBelow(Math.min(0.5, ...ratios)), powerAbove(Math.max(2, ...ratios))];
  const place = (ratio: number) =>
    LEFT + (Math.log2(ratio / least) / Math.log2(most / least)) * (COLUMN_WIDTH - LEFT - RIGHT);
  const columns = inColumns(panels);
  const bottom = TOP + Math.max(...columns.map(heightOf));
  const drawn = columns.map((column, index) =>
    [
      `<g transform="translate(${index * COLUMN_WIDTH} 0)">`,
      ...drawGrid(least, most, bottom, place),
      ...drawColumn(column, place),
      "</g>",
    ].join("\n"),
  );
  const words = [
    `${machine.processors}, Linux ${machine.kernel}, ftpx ${machine.versions["ftpx"]}`,
    "thin lines are spreads, red ones aims; beyond 1 ftpx is faster, or takes less",
  ].join("; ");
  const height = bottom + 24;
  const title = "times as fast as each peer: ftpx, medians of pairs";
  return sheetOf(title, { width: WIDTH, height }, [
    `<text x="20" y="24" font-size="15" font-weight="bold">${escapeText(title)}</text>`,
    `<text x="20" y="42" fill="#6e7781">${escapeText(words)}</text>`,
    ...drawn,
  ]);
}

/** The first column is the longer one. */
function inColumns(panels: readonly Panel[]): [Panel[], Panel[]] {
  const half = heightOf(panels) / 2;
  let height = 0;
  const first = panels.filter((panel) => {
    const isFirst = height < half;
    height += heightOf([panel]);
    return isFirst;
  });
  return [first, panels.slice(first.length)];
}

function heightOf(panels: readonly Panel[]): number {
  return panels.reduce((sum, { bars }) => sum + TITLE_HEIGHT + bars.length * ROW_HEIGHT, 0);
}

function drawColumn(panels: readonly Panel[], place: (ratio: number) => number): string[] {
  return panels.map((panel, index) =>
    drawPanel(panel, TOP + heightOf(panels.slice(0, index)), place),
  );
}

function panelsOf(series: readonly Series[]): Panel[] {
  const judged = judge(series);
  return groupsOf(series).flatMap((group) => {
    const primary = primaryOf(group);
    const others = group.filter(({ who }) => !who.startsWith("ftpx"));
    if (primary === undefined || others.length === 0) return [];
    const bars = others.map((theirs): Bar => {
      const comparison = compare(primary, theirs);
      const own = judged.find(
        (one) =>
          one.aim.workload === primary.workload &&
          one.what === primary.what &&
          one.comparison?.ours === primary.who &&
          one.comparison.against === theirs.who,
      );
      return { ...comparison, aim: own?.aim.atLeast };
    });
    return [{ title: `${primary.workload} ${primary.what}, ${primary.who}`, bars }];
  });
}

function drawPanel({ title, bars }: Panel, top: number, place: (ratio: number) => number): string {
  const rows = bars.map((bar, index) =>
    drawBar(bar, top + TITLE_HEIGHT + index * ROW_HEIGHT, place),
  );
  const heading = `<text x="20" y="${top + 20}" font-weight="bold">${escapeText(title)}</text>`;
  return [heading, ...rows].join("\n");
}

function drawBar(
  { against, ratio, aim }: Bar,
  top: number,
  place: (ratio: number) => number,
): string {
  const name = `<text x="${LEFT - 10}" y="${top + 10}" text-anchor="end">${escapeText(against)}</text>`;
  const one = place(1);
  if (!Number.isFinite(ratio.median)) {
    return `${name}\n<text x="${(one + 6).toFixed(1)}" y="${top + 10}">not measured</text>`;
  }
  const end = place(ratio.median);
  const middle = top + BAR_HEIGHT / 2;
  const [least, most] = [place(ratio.least).toFixed(1), place(ratio.most).toFixed(1)];
  const after = Math.max(one, end, place(ratio.most), place(aim ?? 1)) + 6;
  return [
    name,
    `<rect x="${Math.min(one, end).toFixed(1)}" y="${top}" width="${Math.abs(end - one).toFixed(1)}" height="${BAR_HEIGHT}" fill="${ratio.median < 1 ? SLOWER : FASTER}" opacity="0.75"/>`,
    `<line x1="${least}" x2="${most}" y1="${middle}" y2="${middle}" stroke="#30363d" stroke-width="1.4"/>`,
    aim === undefined ? "" : drawAim(place(aim), top),
    `<text x="${after.toFixed(1)}" y="${top + 10}">${ratio.median.toFixed(2)}</text>`,
  ].join("\n");
}

function drawAim(x: number, top: number): string {
  const at = x.toFixed(1);
  return `<line x1="${at}" x2="${at}" y1="${top - 2}" y2="${top + BAR_HEIGHT + 2}" stroke="${AIM}" stroke-width="2"/>`;
}

function drawGrid(
  least: number,
  most: number,
  bottom: number,
  place: (ratio: number) => number,
): string[] {
  const lines: string[] = [];
  for (let ratio = least; ratio <= most; ratio *= 2) {
    const x = place(ratio).toFixed(1);
    const colour = ratio === 1 ? "#30363d" : GRID;
    lines.push(
      `<line x1="${x}" x2="${x}" y1="${TOP}" y2="${bottom}" stroke="${colour}"/>`,
      `<text x="${x}" y="${bottom + 15}" text-anchor="middle" font-size="10">${ratio < 1 ? `1/${1 / ratio}` : ratio}</text>`,
    );
  }
  return lines;
}

function powerBelow(value: number): number {
  return 2 ** Math.floor(Math.log2(value));
}

function powerAbove(value: number): number {
  return 2 ** Math.ceil(Math.log2(value));
}
