/** How many files are under way at once, by their size. */
import { EAGER_BYTES_MAX } from "../../base/limits.ts";
import { workThrough } from "../../client/queue.ts";

const LARGE_JOBS = 4;
const TINY_BYTES_MAX = 64 * 1024;
const TINY_JOBS = 200;

/**
 * A long line is not waited for file by file, and what all of them hold in memory is little.
 * Together less than TRANSFERS_MAX, and two requests for each less than REQUESTS_MAX.
 */
const LANES = [
  { bytesMax: TINY_BYTES_MAX, jobs: TINY_JOBS },
  { bytesMax: EAGER_BYTES_MAX, jobs: 48 },
  { bytesMax: Infinity, jobs: LARGE_JOBS },
] as const;

export const JOBS_IN_WORDS = `${LARGE_JOBS}, and up to ${TINY_JOBS} small ones`;

const JOBS = LANES.reduce((sum, { jobs }) => sum + jobs, 0);

interface Lane<Item> {
  readonly items: readonly Item[];
  readonly jobs: number;
}

/** @param transfersMax that the server lets one session have open */
export function inLanes<Item>(
  items: readonly Item[],
  bytesOf: (item: Item) => number,
  transfersMax: number,
): Lane<Item>[] {
  const share = Math.min(1, transfersMax / JOBS);
  return LANES.map(({ bytesMax, jobs }, lane) => {
    const over = LANES[lane - 1]?.bytesMax ?? -1;
    const fits = (item: Item) => bytesOf(item) > over && bytesOf(item) <= bytesMax;
    return { items: items.filter(fits), jobs: Math.max(1, Math.floor(jobs * share)) };
  });
}

/** All lanes beside each other, as `workThrough` does one. */
export async function workInLanes<Item>(
  lanes: readonly Lane<Item>[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  await Promise.all(lanes.map(({ items, jobs }) => workThrough(items, jobs, work)));
}
