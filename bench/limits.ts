/**
 * What nothing on this machine can pass: a copy on the disk, bytes over loopback without TLS, and
 * TLS without anything else. They take their turns with the peers.
 */
import type { Bench, Contender } from "./bench.ts";
import { measure } from "./errand.ts";
import type { Errand } from "./errand.ts";
import type { Material } from "./material.ts";
import { remove } from "./material.ts";
import { linesOf } from "../test/e2e/binary.ts";
import { missingTool } from "./peers/peer.ts";
import { freePort, listening, LOOPBACK } from "./place.ts";

const PUMP = new URL("pump.ts", import.meta.url).pathname;

/** As gets of this file. */
export async function limitsOf(bench: Bench, { path, bytes }: Material): Promise<Contender[]> {
  const back = bench.ground.path("limit");
  const limit = (who: string, errand: Errand): Contender => ({
    who,
    run: async () => {
      try {
        const { seconds } = await measure(errand);
        return [{ what: "get", unit: "s", value: seconds, bytes }];
      } finally {
        await remove(back);
      }
    },
  });
  const contenders = [
    limit("cp", { words: ["cp", path, back] }),
    limit("cp and sync", { words: ["sh", "-c", `cp ${path} ${back} && sync ${back}`] }),
  ];
  const port = await pumpPort(bench);
  const pump = [process.execPath, PUMP, "get", String(port), String(bytes)];
  contenders.push(limit("TLS pump", { words: pump }));
  contenders.push(limit("TLS pump to disk", { words: [...pump, back] }));
  const why = missingTool("iperf3");
  if (why !== undefined) bench.results.leaveOut("iperf3", why);
  else {
    const words = ["iperf3", "-c", LOOPBACK.host, "-p", String(await iperfPort(bench))];
    contenders.push(limit("iperf3", { words: [...words, "-n", String(bytes)] }));
  }
  return contenders;
}

async function pumpPort({ ground }: Bench): Promise<number> {
  return await ground.once("pump", async () => {
    const { cert, key } = await ground.certificate();
    const child = ground.start([process.execPath, PUMP, "serve", cert, key]);
    for await (const line of linesOf(child.stdout)) return Number(line);
    throw new Error("no pump");
  });
}

async function iperfPort({ ground }: Bench): Promise<number> {
  return await ground.once("iperf3", async () => {
    const port = await freePort(LOOPBACK);
    const child = ground.start(["iperf3", "-s", "-p", String(port), "-B", LOOPBACK.host]);
    await listening(LOOPBACK, port, child);
    return port;
  });
}
