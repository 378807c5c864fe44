/**
 * The comparison that most workloads are: the same file or tree, got and put by every peer in
 * turn. The first copy of each peer is compared with its source, outside of the time.
 */
import { existsSync } from "node:fs";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import type { Bench, Contender } from "./bench.ts";
import { measure } from "./errand.ts";
import { prove, provide, remove } from "./material.ts";
import type { Material } from "./material.ts";
import type { Errand } from "./errand.ts";
import type { Standing } from "./peers/peer.ts";

export interface Copies {
  readonly workload: string;
  readonly material: Material;
  readonly standing: readonly Standing[];
  /** Behind "get" and "put", where there are several of them. */
  readonly suffix?: string;
  /** What has no server takes part in the gets. */
  readonly others?: readonly Contender[];
  readonly isSlow?: (standing: Standing) => boolean;
}

const NAME = "source";
const BACK = "back";

export async function compareCopies(bench: Bench, copies: Copies): Promise<void> {
  const { workload, material, standing, others = [] } = copies;
  const homes = standing.map(({ home }) => home);
  await provide(material, homes, NAME);
  await bench.takeTurns(workload, [
    ...standing.flatMap((peer) => getting(bench, copies, peer)),
    ...others,
  ]);
  for (const home of new Set(homes)) await clear(bench, material, join(home, NAME));
  await bench.takeTurns(
    workload,
    standing.flatMap((peer) => putting(bench, copies, peer)),
  );
}

function getting(bench: Bench, copies: Copies, peer: Standing): Contender[] {
  const back = bench.ground.path(BACK);
  const way = copies.material.isTree ? peer.getTree : peer.get;
  return way === undefined
    ? []
    : [contender(bench, copies, peer, "get", way(`/${NAME}`, back), back)];
}

function putting(bench: Bench, copies: Copies, peer: Standing): Contender[] {
  const { path, isTree } = copies.material;
  const way = isTree ? peer.putTree : peer.put;
  return way === undefined
    ? []
    : [contender(bench, copies, peer, "put", way(path, `/${BACK}`), join(peer.home, BACK))];
}

function contender(
  bench: Bench,
  { material, suffix = "", isSlow }: Copies,
  peer: Standing,
  way: string,
  errand: Errand,
  copy: string,
): Contender {
  return {
    who: peer.name,
    isSlow: isSlow?.(peer) ?? false,
    run: async (isFirst) => {
      await clear(bench, material, copy);
      try {
        const { seconds } = await measure(errand);
        if (isFirst) await prove(material, copy);
        const { bytes, isTree } = material;
        const moved = isTree ? {} : { bytes };
        return [{ what: `${way}${suffix}`, unit: "s", value: seconds, ...moved }];
      } finally {
        await clear(bench, material, copy);
      }
    },
  };
}

let asideCount = 0;

/**
 * A tree is set aside until the workload has ended: for a minute ext4 looks at every inode that was
 * freed, and passes it over, and whoever makes files then pays for what somebody else removed.
 */
async function clear({ ground }: Bench, { isTree }: Material, path: string): Promise<void> {
  if (!isTree) await remove(path);
  else if (existsSync(path)) {
    asideCount += 1;
    await rename(path, ground.path(`aside-${asideCount}`));
  }
}
