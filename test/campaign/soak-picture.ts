/**
 * What soak.ts makes of its samples: figures for its last line, and the picture.
 *
 * Memory grows while a server gets to know its work, so a slope is of what comes after the
 * warm-up: the first fifth, at most a quarter of an hour.
 */
import type { Panel } from "../documents/plot.ts";
import { plotOf } from "../documents/plot.ts";
import { fitLine, lowestOf, mean, meansOf } from "../support/slope.ts";
import type { Point } from "../support/slope.ts";
import type { Sample } from "./soak-watch.ts";

/** One second of the server, and of what the clients did in it. */
export interface Second extends Omit<Sample, "atMs"> {
  /** From the beginning of the work on. */
  readonly atSeconds: number;
  readonly operations: number;
}

export interface Summary {
  /** MiB over hours, after the warm-up. */
  readonly rss: readonly Point[];
  /** What memory comes down to, in spans that are longer than the garbage takes to be collected. */
  readonly floor: readonly Point[];
  /** Runs of neighbours that are taken together before a slope is looked for. */
  readonly meansMax: number;
  readonly figures: Readonly<Record<string, number>>;
}

const WARM_UP_SHARE = 0.2;
const WARM_UP_SECONDS_MAX = 900;

/** A garbage collection's rhythm, and more, lies within one of them. */
const MEAN_SECONDS = 60;

/** Memory rises and falls in spans of some minutes, by the heap's own rhythm. */
const FLOOR_SECONDS = 300;

export function summaryOf(seconds: readonly Second[]): Summary {
  const warm = afterWarmUp(seconds);
  const lastSecond = seconds.at(-1)?.atSeconds ?? 0;
  const meansMax = Math.max(10, Math.floor(lastSecond / MEAN_SECONDS));
  const overHours = (value: (second: Second) => number): Point[] =>
    warm.map((second) => ({ x: second.atSeconds / 3600, y: value(second) / 1024 }));
  const rss = overHours(({ rssKib }) => rssKib);
  // Not of PSS: it falls with each process of the executable that shares its pages.
  const [grown, own] = [rss, overHours(({ anonymousKib }) => anonymousKib)].map((points) =>
    fitLine(meansOf(points, meansMax)),
  );
  const floor = lowestOf(rss, Math.max(4, Math.floor(lastSecond / FLOOR_SECONDS)));
  const base = fitLine(floor);
  const pings = warm.map(({ pingMs }) => pingMs).toSorted((a, b) => a - b);
  const figures = {
    samples: seconds.length,
    rssMib: rounded(mean(rss.map(({ y }) => y))),
    rssPeakMib: rounded(Math.max(0, ...seconds.map(({ rssKib }) => rssKib / 1024))),
    floorSlopeMibAnHour: rounded(base.slope),
    floorSlopeError: rounded(base.error),
    rssSlopeMibAnHour: rounded(grown?.slope ?? 0),
    rssSlopeError: rounded(grown?.error ?? Infinity),
    anonymousSlopeMibAnHour: rounded(own?.slope ?? 0),
    anonymousSlopeError: rounded(own?.error ?? Infinity),
    descriptorsMost: Math.max(0, ...seconds.map(({ descriptors }) => descriptors)),
    pingMedianMs: rounded(pings[Math.floor(pings.length / 2)] ?? 0),
    pingP99Ms: rounded(pings[Math.floor(pings.length * 0.99)] ?? 0),
    pingWorstMs: rounded(pings.at(-1) ?? 0),
    lagWorstMs: rounded(Math.max(0, ...warm.map(({ lagMs }) => lagMs))),
    operationsASecond: rounded(mean(seconds.map(({ operations }) => operations))),
  };
  return { rss, floor, meansMax, figures };
}

function afterWarmUp(seconds: readonly Second[]): readonly Second[] {
  const last = seconds.at(-1)?.atSeconds ?? 0;
  const from = Math.min(WARM_UP_SHARE * last, WARM_UP_SECONDS_MAX);
  return seconds.filter(({ atSeconds }) => atSeconds >= from);
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

export function pictureOf(seconds: readonly Second[], rests: readonly number[]): string {
  const { rss, meansMax, figures } = summaryOf(seconds);
  const over = (value: (second: Second) => number): Point[] =>
    seconds.map((second) => ({ x: second.atSeconds, y: value(second) }));
  const { slope, intercept } = fitLine(meansOf(rss, meansMax));
  const trend = [rss[0], rss.at(-1)].flatMap((point) =>
    point === undefined ? [] : [{ x: point.x * 3600, y: intercept + slope * point.x }],
  );
  const words = `${figures["rssSlopeMibAnHour"]} ± ${figures["rssSlopeError"]} MiB an hour`;
  const panels: Panel[] = [
    {
      title: `memory of the server, MiB (RSS: ${words})`,
      curves: [
        { label: "RSS", colour: "#0969da", points: over(({ rssKib }) => rssKib / 1024) },
        { label: "PSS", colour: "#8250df", points: over(({ pssKib }) => pssKib / 1024) },
        { label: "anonymous", colour: "#9a6700", points: over((one) => one.anonymousKib / 1024) },
      ],
      trend,
    },
    {
      title: "descriptors of the server",
      curves: [{ label: "open", colour: "#1a7f37", points: over((one) => one.descriptors) }],
    },
    {
      title: "event loop, ms",
      curves: [
        { label: "worst ping of a second", colour: "#bc4c00", points: over((one) => one.pingMs) },
        { label: "lag on /metrics", colour: "#6e7781", points: over((one) => one.lagMs) },
      ],
    },
    {
      title: "operations a second",
      curves: [{ label: "all clients", colour: "#0969da", points: over((one) => one.operations) }],
    },
  ];
  return plotOf("soak: eight clients, mixed operations; dotted: INV", panels, rests);
}
