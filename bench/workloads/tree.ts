/** W4: very many small files over loopback; against those too who wait for the disk as we do. */
import { compareCopies } from "../copies.ts";
import { randomTree, remove } from "../material.ts";
import { LFTP_FTPS, OURS, RSYNC, RSYNC_SYNCED, SFTP, SFTP_SYNCED } from "../peers/peers.ts";
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
    const standing = await bench.stand(
      [OURS, SFTP, SFTP_SYNCED, RSYNC, RSYNC_SYNCED, LFTP_FTPS],
      LOOPBACK,
    );
    await compareCopies(bench, { workload: "W4", material, standing, isSlow: isLftp });
    await remove(material.path);
  },
};

/** Minutes for each copy: once is enough. */
function isLftp({ name }: { readonly name: string }): boolean {
  return name.startsWith("lftp");
}
