/** W12: how long others wait: an `ls` of one session while two clients copy all they can. */
import { parsePath } from "../../src/base/path.ts";
import { DerivedKeys } from "../../src/base/scram.ts";
import { connect } from "../../src/client/connect.ts";
import type { Bench } from "../bench.ts";
import { measure } from "../errand.ts";
import type { Errand } from "../errand.ts";
import { provide, randomFile, remove } from "../material.ts";
import { errandsOf, PASSWORD, sharedFtpx, USER } from "../peers/ftpx.ts";
import type { FtpxServer } from "../peers/ftpx.ts";
import { LOOPBACK } from "../place.ts";
import { GIB } from "./workload.ts";
import type { Workload } from "./workload.ts";

const PAUSE_MS = 20;

export const BESIDE: Workload = {
  name: "W12",
  about: "an ls beside a put and a get of 1 GiB, loopback",
  grows: "scale",
  run: async (bench: Bench) => {
    const server = await sharedFtpx(bench.ground, LOOPBACK);
    const material = await randomFile(bench.ground.path("w12"), bench.scaled(GIB));
    await provide(material, [server.home], "source");
    const errands = errandsOf(bench.ground, LOOPBACK, server);
    const back = bench.ground.path("w12-back");
    const run = async () => {
      const copies = [errands.put(material.path, "/back"), errands.get("/source", back)];
      const waits = await listBeside(server, copies);
      await remove(back, `${server.home}/back`);
      const at = (share: number) => waits[Math.floor((waits.length - 1) * share)] ?? Number.NaN;
      return [
        { what: "ls, median", unit: "s" as const, value: at(0.5) },
        { what: "ls, p99", unit: "s" as const, value: at(0.99) },
      ];
    };
    await bench.takeTurns("W12", [{ who: "ftpx", run }]);
    await remove(material.path);
  },
};

/** @returns seconds, the shortest first */
async function listBeside({ server }: FtpxServer, copies: readonly Errand[]): Promise<number[]> {
  const { port, fingerprint } = server;
  const { client } = await connect(
    { host: LOOPBACK.host, port, fingerprint, name: "bench" },
    "bench",
  );
  await client.signIn(USER, new DerivedKeys(() => PASSWORD));
  const over = new AbortController();
  // With the first of them that ends: after that only the other one is beside.
  const copying = Promise.all(
    copies.map(async (copy) => await measure(copy).finally(() => over.abort())),
  );
  const waits: number[] = [];
  try {
    while (!over.signal.aborted) {
      const beganMs = performance.now();
      await client.call("list", { path: parsePath("/"), cursor: 0 });
      waits.push((performance.now() - beganMs) / 1000);
      await Bun.sleep(PAUSE_MS);
    }
  } finally {
    client.close();
    await copying;
  }
  return waits.toSorted((a, b) => a - b);
}
