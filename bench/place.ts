/**
 * Where client and server stand: both on this machine's loopback, or at the two ends of a long
 * line (longline.c).
 */
import { existsSync } from "node:fs";
import { linesOf } from "../test/e2e/binary.ts";
import { run } from "./errand.ts";
import type { Ground } from "./ground.ts";

export interface Place {
  readonly name: string;
  /** Where servers listen. */
  readonly host: string;
  /** Words in front of a command that runs at the server's end, and at the client's. */
  readonly atServer: readonly string[];
  readonly atClient: readonly string[];
}

export const LOOPBACK: Place = {
  name: "loopback",
  host: "127.0.0.1",
  atServer: [],
  atClient: [],
};

const SERVER = "10.77.0.1";
const CLIENT = "10.77.0.2";

/** Nothing where it can be made. */
export function whyNoLongLine(): string | undefined {
  if (process.getuid?.() !== 0) return "a long line needs root";
  if (!existsSync("/dev/net/tun")) return "a long line needs /dev/net/tun";
  const missing = ["gcc", "ip", "nsenter"].find((tool) => Bun.which(tool) === null);
  return missing === undefined ? undefined : `a long line needs ${missing}`;
}

export async function longLine(
  ground: Ground,
  roundTripMs: number,
  lossPercent: number,
): Promise<Place> {
  const name = `${roundTripMs} ms${lossPercent === 0 ? "" : `, ${lossPercent} % loss`}`;
  return await ground.once(`line ${name}`, async () => {
    const program = await ground.once("longline", async () => {
      const built = ground.path("longline");
      const source = new URL("longline.c", import.meta.url).pathname;
      await run(["gcc", "-O2", "-Wall", "-o", built, source]);
      return built;
    });
    const words = [program, SERVER, CLIENT, String(roundTripMs / 2), String(lossPercent)];
    const child = ground.start(words);
    for await (const line of linesOf(child.stdout)) {
      const [pid, ...ends] = line.split(" ");
      const [atServer = [], atClient = []] = ends.map((end) => [
        "nsenter",
        `--net=/proc/${pid}/fd/${end}`,
      ]);
      return { name, host: SERVER, atServer, atClient };
    }
    throw new Error("no long line");
  });
}

/** A port that is free at the server's end now. */
export async function freePort(place: Place): Promise<number> {
  if (place.atServer.length > 0) {
    // Nobody else is there.
    lastPort += 1;
    return lastPort;
  }
  const listener = Bun.listen({ hostname: place.host, port: 0, socket: { data: () => {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}

let lastPort = 20_000;

/** Waits until somebody listens there. @throws after ten seconds, or when the server has ended */
export async function listening(
  place: Place,
  port: number,
  server: { readonly exitCode: number | null },
): Promise<void> {
  const table = [...place.atServer, "cat", "/proc/net/tcp", "/proc/net/tcp6"];
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  // State 0A is LISTEN.
  const listens = new RegExp(`:${hex} [0-9A-F]+:0000 0A `);
  for (let tries = 0; tries < 500 && server.exitCode === null; tries += 1) {
    if (listens.test(await run(table))) return;
    await Bun.sleep(20);
  }
  throw new Error(`nobody listens on port ${port}`);
}
