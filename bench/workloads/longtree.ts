/** W2: many small files over a long line. sftp goes back and forth for each of them,
 * and lftp's ten connections for each of theirs: one run of them tells enough. */
import { compareCopies } from "../copies.ts";
import { randomTree, remove } from "../material.ts";
import { LFTP_FTP, LFTP_FTPS, OURS, RSYNC, SFTP } from "../peers/peers.ts";
import { longLine, whyNoLongLine } from "../place.ts";
import { KIB } from "./workload.ts";
import type { Workload } from "./workload.ts";

const DIRECTORIES = 20;

export const LONG_TREE: Workload = {
  name: "W2",
  about: "1,000 files of 4 KiB in 20 directories, 50 ms round trip",
  grows: "scale",
  run: async (bench) => {
    const why = whyNoLongLine();
    if (why !== undefined) return bench.results.leaveOut("W2", why);
    const { isSlow } = bench.size;
    if (!isSlow) bench.results.leaveOut("W2, sftp", "it takes minutes: --slow");
    const place = await longLine(bench.ground, 50, 0);
    const files = bench.scaled(1000, DIRECTORIES);
    const shape = { files, directories: DIRECTORIES, bytes: 4 * KIB };
    const material = await randomTree(bench.ground.path("w2"), shape);
    const peers = [OURS, RSYNC, LFTP_FTP, LFTP_FTPS, ...(isSlow ? [SFTP] : [])];
    const standing = await bench.stand(peers, place);
    const quick = new Set([OURS.name, RSYNC.name]);
    const isOnce = ({ name }: { name: string }) => !quick.has(name);
    await compareCopies(bench, { workload: "W2", material, standing, isSlow: isOnce });
    await remove(material.path);
  },
};
