/**
 * W6: what the server takes at most while many clients copy at once, what a client takes for one
 * copy, and what a session costs that does nothing.
 */
import type { Bench } from "../bench.ts";
import type { Campaign } from "../../test/campaign/campaign.ts";
import { allowDescriptors, crowdedScene } from "../../test/campaign/crowds-ground.ts";
import { idle } from "../../test/campaign/crowds-idle.ts";
import { readFileSync } from "node:fs";
import { measurePeak } from "../errand.ts";
import { provide, randomFile, remove } from "../material.ts";
import { errandsOf, sharedFtpx, startFtpx } from "../peers/ftpx.ts";
import { LOOPBACK } from "../place.ts";
import { peakMibOf } from "../processes.ts";
import { copyAll } from "./crowd.ts";
import { GIB, MIB } from "./workload.ts";
import type { Workload } from "./workload.ts";

const TRANSFERS = 64;
const IDLE_SESSIONS = 10_000;
const WHO = "ftpx";

export const MEMORY: Workload = {
  name: "W6",
  about: "memory: 64 copies at once, one client with 1 GiB, 10,000 idle sessions",
  grows: "crowd",
  run: async (bench) => {
    await ofServer(bench);
    await ofClient(bench);
    await ofIdleSessions(bench);
  },
};

/** A server of its own for each, because a process's peak does not come down again. */
async function ofServer(bench: Bench): Promise<void> {
  const material = await randomFile(bench.ground.path("w6"), bench.scaled(32 * MIB));
  const count = Math.max(2, bench.crowded(TRANSFERS));
  bench.results.note(`W6: ${count} copies at once`);
  const contenders = (["get", "put"] as const).map((way) => ({
    who: WHO,
    run: async () => {
      const server = await startFtpx(bench.ground, LOOPBACK);
      await provide(material, [server.home], "source");
      await copyAll(bench, server, way, { material, name: "source", count });
      const value = peakMibOf(server.server.process.pid);
      await server.server.stop();
      return [{ what: `server, all ${way}s`, unit: "MiB" as const, value }];
    },
  }));
  await bench.takeTurns("W6", contenders);
  await remove(material.path);
}

async function ofClient(bench: Bench): Promise<void> {
  const server = await sharedFtpx(bench.ground, LOOPBACK);
  const errands = errandsOf(bench.ground, LOOPBACK, server);
  const material = await randomFile(bench.ground.path("w6-alone"), bench.scaled(GIB));
  await provide(material, [server.home], "alone");
  const back = bench.ground.path("w6-back");
  const ways = { get: errands.get("/alone", back), put: errands.put(material.path, "/back") };
  const contenders = Object.entries(ways).map(([way, errand]) => ({
    who: WHO,
    run: async () => {
      const { peakMib } = await measurePeak(errand);
      await remove(back, `${server.home}/back`);
      return [{ what: `client, ${way}`, unit: "MiB" as const, value: peakMib }];
    },
  }));
  await bench.takeTurns("W6", contenders);
  await remove(material.path);
}

async function ofIdleSessions(bench: Bench): Promise<void> {
  allowDescriptors();
  const wanted = bench.crowded(IDLE_SESSIONS);
  const count = Math.min(wanted, sessionsMax());
  const less = count < wanted ? `, not ${wanted}: descriptors` : "";
  bench.results.note(`W6: ${count} idle sessions${less}`);
  const scene = await crowdedScene();
  bench.ground.undoLater(async () => await scene.end());
  const campaign = { fail: (what: string) => bench.results.note(`W6: ${what}`) } as Campaign;
  const found = await idle(campaign, scene, { count, processes: 4, isPlain: false });
  const value = Number(found["kibPerSession"]);
  bench.results.add("W6", WHO, { what: "idle session", unit: "KiB", value });
}

/** A session has two descriptors: its socket and its home. */
function sessionsMax(): number {
  const limits = readFileSync("/proc/self/limits", "utf8");
  const hard = Number(/^Max open files\s+\d+\s+(\d+)/m.exec(limits)?.[1] ?? 1024);
  return Math.floor((hard - RESERVED) / 2);
}

const RESERVED = 512;
