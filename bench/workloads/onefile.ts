/** W1: one large file over loopback, to disk. */
import { compareCopies } from "../copies.ts";
import { limitsOf } from "../limits.ts";
import { randomFile, remove } from "../material.ts";
import {
  CURL_FTP,
  CURL_FTPS,
  LFTP_FTP,
  LFTP_FTPS,
  OURS,
  OURS_FAST,
  PYTHON_PEERS,
  RSYNC,
  SFTP,
  SFTP_GCM,
} from "../peers/peers.ts";
import { LOOPBACK } from "../place.ts";
import { GIB } from "./workload.ts";
import type { Workload } from "./workload.ts";

const PEERS = [
  OURS,
  OURS_FAST,
  SFTP,
  SFTP_GCM,
  RSYNC,
  CURL_FTP,
  CURL_FTPS,
  LFTP_FTP,
  LFTP_FTPS,
  ...PYTHON_PEERS,
];

export const ONE_FILE: Workload = {
  name: "W1",
  about: "one file of 1 GiB, loopback",
  grows: "scale",
  run: async (bench) => {
    const material = await randomFile(bench.ground.path("w1"), bench.scaled(GIB));
    const standing = await bench.stand(PEERS, LOOPBACK);
    const others = await limitsOf(bench, material);
    await compareCopies(bench, { workload: "W1", material, standing, others });
    await remove(material.path);
  },
};
