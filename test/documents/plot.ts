/**
 * Measurements over time as an SVG picture: panels below one another with one axis of time.
 *
 * However many samples there are, a curve is drawn in so many columns: the mean of each as a
 * line, and what lies between its least and its greatest as a band, so that no peak is lost and
 * the picture stays small.
 */
import type { Point } from "../support/slope.ts";
import { mean } from "../support/slope.ts";
import { escapeText, sheetOf } from "./sheet.ts";

export interface Curve {
  readonly label: string;
  /** As CSS has it. */
  readonly colour: string;
  /** In the order of x, which is in seconds. */
  readonly points: readonly Point[];
}

export interface Panel {
  readonly title: string;
  readonly curves: readonly Curve[];
  /** Drawn straight from its first point to its last. */
  readonly trend?: readonly Point[];
}

const WIDTH = 960;
const LEFT = 70;
const RIGHT = 20;
const TOP = 46;
const PANEL_HEIGHT = 150;
const PANEL_GAP = 46;
const COLUMNS = 400;
const STEPS = 4;

/** @param marks times, in seconds, that are marked in all panels */
export function plotOf(
  title: string,
  panels: readonly Panel[],
  marks: readonly number[] = [],
): string {
  const height = TOP + panels.length * (PANEL_HEIGHT + PANEL_GAP);
  const lastX = Math.max(
    1,
    ...panels.flatMap(({ curves }) => curves.map(({ points }) => points.at(-1)?.x ?? 0)),
  );
  const drawn = panels.map((panel, index) => {
    const top = TOP + index * (PANEL_HEIGHT + PANEL_GAP) + 20;
    return drawPanel(panel, top, lastX, marks);
  });
  return sheetOf(title, { width: WIDTH, height }, [
    `<text x="${LEFT}" y="24" font-size="15" font-weight="bold">${escapeText(title)}</text>`,
    ...drawn,
  ]);
}

function drawPanel(panel: Panel, top: number, lastX: number, marks: readonly number[]): string {
  const all = [...panel.curves.flatMap(({ points }) => points), ...(panel.trend ?? [])];
  const maxY = niceAbove(all.reduce((most, { y }) => Math.max(most, y), 0));
  const placeX = (x: number) => LEFT + (x / lastX) * (WIDTH - LEFT - RIGHT);
  const placeY = (y: number) => top + PANEL_HEIGHT * (1 - y / maxY);
  const place = ({ x, y }: Point) => `${placeX(x).toFixed(1)},${placeY(y).toFixed(1)}`;
  const lines = (points: readonly Point[]) => points.map(place).join(" ");
  const curves = panel.curves.map(({ colour, points }) => {
    const columns = columnsOf(points, lastX);
    const band = [
      ...columns.map(({ x, least }) => ({ x, y: least })),
      ...columns.toReversed().map(({ x, most }) => ({ x, y: most })),
    ];
    const middle = columns.map(({ x, middle: y }) => ({ x, y }));
    return [
      `<polygon points="${lines(band)}" fill="${colour}" opacity="0.25"/>`,
      `<polyline points="${lines(middle)}" fill="none" stroke="${colour}" stroke-width="1.4"/>`,
    ].join("\n");
  });
  const trend =
    panel.trend === undefined
      ? ""
      : `<polyline points="${lines(panel.trend)}" fill="none" stroke="#d1242f" stroke-dasharray="5 4"/>`;
  const markLines = marks.map((x) => {
    const at = placeX(x).toFixed(1);
    return `<line x1="${at}" x2="${at}" y1="${top}" y2="${top + PANEL_HEIGHT}" stroke="#d0d7de" stroke-dasharray="2 3"/>`;
  });
  return [drawTitle(panel, top), drawAxes(top, maxY, lastX), ...markLines, ...curves, trend].join(
    "\n",
  );
}

function drawTitle({ title, curves }: Panel, top: number): string {
  const legend = curves.map(
    ({ label, colour }) => `<tspan fill="${colour}" dx="14">■ ${escapeText(label)}</tspan>`,
  );
  return `<text x="${LEFT}" y="${top - 6}">${escapeText(title)}${legend.join("")}</text>`;
}

function drawAxes(top: number, maxY: number, lastX: number): string {
  const lines: string[] = [];
  for (let step = 0; step <= STEPS; step += 1) {
    const y = (top + PANEL_HEIGHT * (1 - step / STEPS)).toFixed(1);
    const value = shortNumber((maxY * step) / STEPS);
    lines.push(
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}" stroke="#eaeef2"/>`,
      `<text x="${LEFT - 6}" y="${Number(y) + 4}" text-anchor="end">${value}</text>`,
    );
    const x = LEFT + ((WIDTH - LEFT - RIGHT) * step) / STEPS;
    lines.push(
      `<text x="${x}" y="${top + PANEL_HEIGHT + 15}" text-anchor="middle">${clockOf((lastX * step) / STEPS)}</text>`,
    );
  }
  return lines.join("\n");
}

interface Column {
  readonly x: number;
  readonly least: number;
  readonly middle: number;
  readonly most: number;
}

function columnsOf(points: readonly Point[], lastX: number): Column[] {
  const byColumn = Map.groupBy(points, ({ x }) => Math.floor((x / lastX) * (COLUMNS - 1)));
  return [...byColumn.values()].map((some) => {
    const ys = some.map(({ y }) => y);
    return {
      x: mean(some.map(({ x }) => x)),
      least: Math.min(...ys),
      middle: mean(ys),
      most: Math.max(...ys),
    };
  });
}

/** A number whose quarters are short: the least of them that is not below. */
function niceAbove(most: number): number {
  if (most <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return power * ([1, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10].find((digit) => digit * power >= most) ?? 10);
}

function shortNumber(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function clockOf(seconds: number): string {
  const whole = Math.round(seconds);
  const [minutes, rest] = [Math.floor(whole / 60), whole % 60];
  if (minutes < 60) return `${minutes}:${String(rest).padStart(2, "0")}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")} h`;
}
