/**
 * V9: a data directory on a small disk that fills up (F5, F6, Q2).
 *
 *   bun test/campaign/disk.ts [--seed N] [--puts N] [--brims N]
 *
 * On tmpfs, on tmpfs with few inodes, and on ext4 on a loop device, each with its own
 * server: puts into the last 2 MiB, then every operation on a disk that is full to the last
 * byte, restarts and kill -9 on it, and what works again, without a restart, when there is
 * room. Mounting needs root; a disk that cannot be had is told as skipped.
 */
import type { Chance } from "../support/chance.ts";
import { runCampaign } from "./campaign.ts";
import type { Campaign } from "./campaign.ts";
import type { DiskKind } from "./disk-mounts.ts";
import { DISK_KINDS, SmallDisk } from "./disk-mounts.ts";
import { SmallDiskRun } from "./disk-run.ts";
import { beginScene } from "./rounds-ending.ts";
import { forkChance } from "./rounds-peers.ts";

export const COVERS = [
  ["put", "disk full"],
  ["put over a file", "disk full"],
  ["resume", "disk full"],
  ["get", "disk full"],
  ["mkdir", "disk full"],
  ["rm", "disk full"],
  ["rm -r", "disk full"],
  ["rmdir", "disk full"],
  ["mv", "disk full"],
  ["cp", "disk full"],
  ["ls", "disk full"],
  ["sign-in", "disk full"],
  ["useradd", "disk full"],
  ["usermod", "disk full"],
  ["start", "disk full"],
  ["stop", "disk full"],
] as const satisfies readonly (readonly [operation: string, fault: string])[];

if (import.meta.main) await runCampaign("disk", { puts: 40, brims: 1 }, runDisks);

async function runDisks(campaign: Campaign): Promise<Record<string, unknown>> {
  const runs = DISK_KINDS.map((kind) => runDisk(kind, campaign, forkChance(campaign.chance)));
  return Object.assign({}, ...(await Promise.all(runs))) as Record<string, unknown>;
}

async function runDisk(
  kind: DiskKind,
  campaign: Campaign,
  chance: Chance,
): Promise<Record<string, unknown>> {
  const scene = await beginScene();
  const disk = await SmallDisk.mount(kind, scene.data);
  try {
    if (!(disk instanceof SmallDisk)) return { [kind.name]: `skipped: ${disk}` };
    return { [kind.name]: await new SmallDiskRun(scene, disk, campaign, chance).run() };
  } catch (error) {
    // The other disks go on.
    campaign.fail(`${kind.name}: ${error instanceof Error ? error.stack : String(error)}`);
    return { [kind.name]: "broken off" };
  } finally {
    if (disk instanceof SmallDisk) disk.unmount();
    await scene.end();
  }
}
