/** W9: what a server, with all processes that it forks, and a client use of the processor. */
import { join } from "node:path";
import type { Contender } from "../bench.ts";
import { measure } from "../errand.ts";
import type { Errand } from "../errand.ts";
import { provide, randomFile, remove } from "../material.ts";
import { CURL_FTPS, OURS, OURS_FAST, SFTP, SFTP_GCM } from "../peers/peers.ts";
import type { Standing } from "../peers/peer.ts";
import { LOOPBACK } from "../place.ts";
import { ServerTime, sessionsEnded } from "../processes.ts";
import { GIB } from "./workload.ts";
import type { Workload } from "./workload.ts";

/** What a server does behind the end of its client counts too. */
const REST_MS = 300;

export const CPU: Workload = {
  name: "W9",
  about: "processor time of the server for a GiB, loopback",
  grows: "scale",
  run: async (bench) => {
    const material = await randomFile(bench.ground.path("w9"), bench.scaled(GIB));
    const peers = [OURS, OURS_FAST, SFTP, SFTP_GCM, CURL_FTPS];
    const standing = await bench.stand(peers, LOOPBACK);
    const homes = standing.map(({ home }) => home);
    await provide(material, homes, "source");
    const back = bench.ground.path("w9-back");
    const gibs = material.bytes / GIB;
    await bench.takeTurns(
      "W9",
      standing.map((peer) => ofServer(peer, "get", gibs, peer.get("/source", back), back)),
    );
    await bench.takeTurns(
      "W9",
      standing.map((peer) => {
        const put = peer.put(material.path, "/back");
        return ofServer(peer, "put", gibs, put, join(peer.home, "back"));
      }),
    );
    await remove(material.path);
  },
};

function ofServer(
  { name, serverPid }: Standing,
  way: string,
  gibs: number,
  errand: Errand,
  copy: string,
): Contender {
  const run = async () => {
    await sessionsEnded(serverPid);
    using time = new ServerTime(serverPid);
    const { cpuSeconds } = await measure(errand);
    await Bun.sleep(REST_MS);
    await sessionsEnded(serverPid);
    const serverSeconds = time.end();
    await remove(copy);
    const unit = "s/GiB" as const;
    return [
      { what: `server, ${way}`, unit, value: serverSeconds / gibs },
      { what: `client, ${way}`, unit, value: cpuSeconds / gibs },
    ];
  };
  return { who: name, run };
}
