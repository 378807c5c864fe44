/** W4: very many small files over loopback. */
import { compareCopies } from "../copies.ts";
import { randomTree, remove } from "../material.ts";
import { LFTP_FTPS, OURS, RSYNC, SFTP } from "../peers/peers.ts";
import { LOOPBACK } from "../place.ts";
import { KIB } from "./workload.ts";
import type { Workload } from "./workload.ts";

export const TREE: Workload = {
  name: "W4",
  about: "10,000 files of 4 KiB in 100 directories, loopback",
  grows: "scale",
  run: async (bench) => {
    const files = bench.scaled(10_000);
    const directories = Math.max(1, Math.round(files / 100));
    const material = await randomTree(bench.ground.path("w4"), {
      files,
      directories,
      bytes: 4 * KIB,
    });
    const standing = await bench.stand([OURS, SFTP, RSYNC, LFTP_FTPS], LOOPBACK);
    await compareCopies(bench, { workload: "W4", material, standing });
    await remove(material.path);
  },
};
