/**
 * What ftpx is meant to reach, in one table: each line is about one figure of one workload, in
 * the same run on the same machine.
 *
 * A ratio is of speed, so more than 1 means that ftpx is faster, or takes less, than the other.
 */
import type { Comparison, Series } from "./results.ts";
import { compare, medianOf } from "./results.ts";

export interface Aim {
  readonly workload: string;
  readonly what: readonly string[];
  readonly ours: string;
  /** Who is compared with: a name, or the best of some. Absent where `atMost` is absolute. */
  readonly against?: string | Best;
  /** Of the ratio. */
  readonly atLeast?: number;
  /** What comes after that. */
  readonly later?: number;
  /** Of the figure, in its own unit. */
  readonly atMost?: number;
}

export interface Best {
  readonly label: string;
  readonly among: RegExp;
}

const BOTH = ["get", "put"];
const SHA256 = "ftpx sha256";
const BEST_FTPS: Best = { label: "best FTPS", among: / ftps / };

export const AIMS: readonly Aim[] = [
  { workload: "W1", what: BOTH, ours: SHA256, against: "sftp", atLeast: 2.5 },
  { workload: "W1", what: BOTH, ours: SHA256, against: "sftp aes128-gcm", atLeast: 1.5, later: 2 },
  {
    workload: "W1",
    what: ["get"],
    ours: "ftpx xxh128",
    against: "sftp aes128-gcm",
    atLeast: 2.5,
    later: 3,
  },
  { workload: "W1", what: BOTH, ours: SHA256, against: BEST_FTPS, atLeast: 1.8 },
  { workload: "W1", what: ["get"], ours: SHA256, against: "TLS pump to disk", atLeast: 0.7 },
  { workload: "W2", what: BOTH, ours: SHA256, against: "rsync", atLeast: 1, later: 2 },
  {
    workload: "W3",
    what: ["get", "put", "get, loss", "put, loss"],
    ours: SHA256,
    against: "curl ftps vsftpd",
    atLeast: 1,
    later: 1.3,
  },
  { workload: "W4", what: BOTH, ours: SHA256, against: "sftp", atLeast: 3 },
  { workload: "W4", what: BOTH, ours: SHA256, against: "rsync", atLeast: 1 },
  {
    workload: "W5",
    what: ["get, sum", "put, sum"],
    ours: "ftpx, all clients",
    against: "ftpx, one client",
    atLeast: 0.8,
  },
  {
    workload: "W5",
    what: ["get, share", "put, share"],
    ours: "ftpx, slowest client",
    against: "ftpx, mean client",
    atLeast: 0.25,
  },
  { workload: "W6", what: ["server, all gets", "server, all puts"], ours: "ftpx", atMost: 256 },
  { workload: "W6", what: ["client, get", "client, put"], ours: "ftpx", atMost: 120 },
  { workload: "W6", what: ["idle session"], ours: "ftpx", atMost: 32 },
  { workload: "W7", what: ["get goes on", "put goes on"], ours: "ftpx", atMost: 1 },
  { workload: "W8", what: ["first byte"], ours: "ftpx", atMost: 1 },
  {
    workload: "W9",
    what: ["server, get", "server, put"],
    ours: SHA256,
    against: "sftp",
    atLeast: 1,
  },
];

export interface Judged {
  readonly aim: Aim;
  readonly what: string;
  /** Where it is not absolute. */
  readonly comparison?: Comparison;
  /** The one that was the best, where there were several. */
  readonly isBest: boolean;
  readonly isMet: boolean;
}

/** The aims that something was measured for. */
export function judge(series: readonly Series[], aims: readonly Aim[] = AIMS): Judged[] {
  return aims.flatMap((aim) =>
    aim.what.flatMap((what): Judged[] => {
      const group = series.filter((one) => one.workload === aim.workload && one.what === what);
      const ours = group.find(({ who }) => who === aim.ours);
      if (ours === undefined) return [];
      const { against, atMost = Infinity, atLeast = 0 } = aim;
      if (against === undefined) {
        return [{ aim, what, isBest: false, isMet: medianOf(ours.values) <= atMost }];
      }
      const isBest = typeof against !== "string";
      const all = group
        .filter(({ who }) => (isBest ? against.among.test(who) : who === against))
        .map((theirs) => compare(ours, theirs))
        .filter(({ ratio }) => Number.isFinite(ratio.median));
      const [first] = all.toSorted((a, b) => a.ratio.median - b.ratio.median);
      if (first === undefined) return [];
      return [{ aim, what, comparison: first, isBest, isMet: first.ratio.median >= atLeast }];
    }),
  );
}

/** As it stands in a file. */
export function plainly({ aim, what, comparison, isMet }: Judged): Record<string, unknown> {
  const { workload, ours, atLeast, later, atMost } = aim;
  const ratio = comparison?.ratio;
  return {
    workload,
    what,
    ours,
    against: comparison?.against,
    ratio,
    atLeast,
    later,
    atMost,
    isMet,
  };
}

/** As in "aim 1.5, then 2: missed". */
export function aimText({ aim, isMet }: Judged): string {
  const bound = aim.atMost === undefined ? `${aim.atLeast}` : `at most ${aim.atMost}`;
  const next = aim.later === undefined ? "" : `, then ${aim.later}`;
  return `aim ${bound}${next}: ${isMet ? "met" : "MISSED"}`;
}
