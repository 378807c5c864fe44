/** W11: the names in a very large directory: the first, all of them, and what they cost the client. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { closeSync, openSync } from "node:fs";
import type { Contender } from "../bench.ts";
import { measureOutput } from "../errand.ts";
import { remove } from "../material.ts";
import { CURL_FTP, CURL_FTPS, LFTP_FTPS, OURS, SFTP } from "../peers/peers.ts";
import type { Standing } from "../peers/peer.ts";
import { LOOPBACK } from "../place.ts";
import type { Workload } from "./workload.ts";

const FOLDER = "names";
const LINE_FEED = 10;

export const LISTING: Workload = {
  name: "W11",
  about: "ls of 100,000 names, loopback",
  grows: "scale",
  run: async (bench) => {
    const count = bench.scaled(100_000);
    const standing = await bench.stand([OURS, SFTP, CURL_FTP, CURL_FTPS, LFTP_FTPS], LOOPBACK);
    const folders = [...new Set(standing.map(({ home }) => join(home, FOLDER)))];
    for (const folder of folders) {
      await mkdir(folder, { recursive: true });
      for (let index = 0; index < count; index += 1) {
        const name = `report-${String(index).padStart(6, "0")}.txt`;
        closeSync(openSync(join(folder, name), "w"));
      }
    }
    const contenders = standing.flatMap((peer) => listing(peer, count));
    await bench.takeTurns("W11", contenders);
    await remove(...folders);
  },
};

function listing({ name, list }: Standing, count: number): Contender[] {
  if (list === undefined) return [];
  const run = async () => {
    const { measured, read } = await measureOutput(list(`/${FOLDER}`), readNames, {
      isPeakWanted: true,
    });
    if (read.lines !== count) throw new Error(`${read.lines} names of ${count}`);
    return [
      { what: "first name", unit: "s" as const, value: read.firstSeconds },
      { what: "all names", unit: "s" as const, value: measured.seconds },
      { what: "client", unit: "MiB" as const, value: measured.peakMib },
    ];
  };
  return [{ who: name, run }];
}

async function readNames(stdout: ReadableStream<Uint8Array>, beganMs: number) {
  let [lines, firstSeconds] = [0, Number.NaN];
  for await (const bytes of stdout) {
    if (Number.isNaN(firstSeconds)) firstSeconds = (performance.now() - beganMs) / 1000;
    for (const byte of bytes) if (byte === LINE_FEED) lines += 1;
  }
  return { lines, firstSeconds };
}
