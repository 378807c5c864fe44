/** W5: many clients at once: what all of them get together, and what the slowest gets. */
import type { Bench } from "../bench.ts";
import { prove, provide, randomFile, remove } from "../material.ts";
import type { Material } from "../material.ts";
import { sharedFtpx } from "../peers/ftpx.ts";
import type { FtpxServer } from "../peers/ftpx.ts";
import { LOOPBACK } from "../place.ts";
import { gather } from "../visitors.ts";
import { GIB, MIB } from "./workload.ts";
import type { Workload } from "./workload.ts";

const CLIENTS = 64;
const NAME = "source";

export const CROWD: Workload = {
  name: "W5",
  about: "64 clients at once, 32 MiB each, against one client with 1 GiB, loopback",
  grows: "crowd",
  run: async (bench) => {
    const server = await sharedFtpx(bench.ground, LOOPBACK);
    const alone = await randomFile(bench.ground.path("w5-alone"), bench.scaled(GIB));
    const shared = await randomFile(bench.ground.path("w5"), bench.scaled(32 * MIB));
    await provide(alone, [server.home], "alone");
    await provide(shared, [server.home], NAME);
    const count = bench.crowded(CLIENTS);
    bench.results.note(`W5: ${count} clients`);
    for (const way of ["get", "put"] as const) {
      await bench.takeTurns("W5", [
        {
          who: "ftpx, all clients",
          run: async () => {
            const { sum, least, mean } = await copyAll(bench, server, way, {
              material: shared,
              name: NAME,
              count,
            });
            const share = { what: `${way}, share`, unit: "MB/s" } as const;
            bench.results.add("W5", "ftpx, slowest client", { ...share, value: least });
            bench.results.add("W5", "ftpx, mean client", { ...share, value: mean });
            return [{ what: `${way}, sum`, unit: "MB/s", value: sum }];
          },
        },
        {
          who: "ftpx, one client",
          run: async () => {
            const { sum } = await copyAll(bench, server, way, {
              material: alone,
              name: "alone",
              count: 1,
            });
            return [{ what: `${way}, sum`, unit: "MB/s", value: sum }];
          },
        },
      ]);
    }
    await remove(alone.path, shared.path);
  },
};

interface Crowd {
  readonly material: Material;
  /** What it is called at the server. */
  readonly name: string;
  readonly count: number;
}

/** In MB/s: of all together, of the slowest, of the mean one. */
interface Rates {
  readonly sum: number;
  readonly least: number;
  readonly mean: number;
}

export async function copyAll(
  bench: Bench,
  server: FtpxServer,
  way: "get" | "put",
  { material, name, count }: Crowd,
): Promise<Rates> {
  const visitors = await gather(bench, server, count);
  const places = visitors.map((_visitor, index) => `w5-back-${index}`);
  const folder = way === "get" ? bench.ground.folder : server.home;
  const commands = places.map((place) =>
    way === "get" ? `get /${name} ${folder}/${place}` : `put ${material.path} /${place}`,
  );
  const beganMs = performance.now();
  const seconds = await Promise.all(
    visitors.map(async (visitor, index) => await visitor.copy(commands[index] ?? "")),
  );
  const all = (performance.now() - beganMs) / 1000;
  await Promise.all(visitors.map(async (visitor) => await visitor.leave()));
  for (const place of places.slice(0, 2)) await prove(material, `${folder}/${place}`);
  await remove(...places.map((place) => `${folder}/${place}`));
  const rates = seconds.map((one) => material.bytes / one / 1e6);
  return {
    sum: (material.bytes * count) / all / 1e6,
    least: Math.min(...rates),
    mean: rates.reduce((sum, rate) => sum + rate, 0) / count,
  };
}
