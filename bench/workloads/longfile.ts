/** W3: one file over a long line, and over one that loses a packet now and then. */
import { compareCopies } from "../copies.ts";
import { randomFile, remove } from "../material.ts";
import { CURL_FTP, CURL_FTPS, OURS, RSYNC, SFTP } from "../peers/peers.ts";
import { longLine, whyNoLongLine } from "../place.ts";
import type { Workload } from "./workload.ts";

const LINES = [
  { lossPercent: 0, suffix: "" },
  { lossPercent: 0.1, suffix: ", loss" },
];

export const LONG_FILE: Workload = {
  name: "W3",
  about: "one file of 200 MB, 50 ms round trip, without loss and with 0.1 %",
  grows: "scale",
  run: async (bench) => {
    const why = whyNoLongLine();
    if (why !== undefined) return bench.results.leaveOut("W3", why);
    const material = await randomFile(bench.ground.path("w3"), bench.scaled(200_000_000));
    for (const { lossPercent, suffix } of LINES) {
      const place = await longLine(bench.ground, 50, lossPercent);
      const standing = await bench.stand([OURS, CURL_FTPS, CURL_FTP, RSYNC, SFTP], place);
      await compareCopies(bench, { workload: "W3", material, standing, suffix });
    }
    await remove(material.path);
  },
};
