/** The wall clock jumps under the running server: by libfaketime, the monotonic clock left alone. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { DerivedKeys } from "../../src/base/scram.ts";
import type { Client } from "../../src/client/client.ts";
import { outcomeOf } from "../support/refusal.ts";
import { freshAddress, Scene, Server } from "./binary.ts";
import { greeted, guess, openUpload, sendPiece, signedIn } from "./wire.ts";

/** Nothing where faketime is not installed. */
function fakeLibrary(): string | undefined {
  if (Bun.which("faketime") === null) return undefined;
  const { stdout } = Bun.spawnSync(["faketime", "-f", "+0", "printenv", "LD_PRELOAD"]);
  return stdout.toString().trim().split(" ").at(-1);
}

const LIBRARY = fakeLibrary();

let scene: Scene;
let server: Server;

beforeAll(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  await setClock("+0");
  const env = {
    LD_PRELOAD: LIBRARY ?? "",
    FAKETIME_TIMESTAMP_FILE: clockFile(),
    FAKETIME_NO_CACHE: "1",
    DONT_FAKE_MONOTONIC: "1",
  };
  const words = ["serve", "--json", "--data", scene.data, "--listen", "127.0.0.1:0"];
  server = await Server.open(scene.start([...words, "--keep-unfinished", "40s"], { env }));
});

afterAll(() => scene.end());

const clockFile = () => scene.path("clock");

async function setClock(offset: string): Promise<void> {
  await writeFile(clockFile(), `${offset}\n`);
}

/** The year in which the server is, by what it tells of a sign-in. */
async function serverYear(): Promise<number> {
  const before = server.events.length;
  const client = await signedIn(server);
  client.close();
  const told = server.events.slice(before).find(({ event }) => event === "login");
  return new Date(String(told?.["time"])).getFullYear();
}

/** How long an address still has to wait that is shut out. */
async function waitMs(localAddress: string): Promise<number> {
  const refused: unknown = await greeted(server, localAddress).catch((error: unknown) => error);
  return (refused as { details?: { retryAfterMs?: number } }).details?.retryAfterMs ?? 0;
}

async function unfinished(client: Client): Promise<number> {
  const { uploads } = await client.call("uploads", { after: undefined });
  return uploads.length;
}

test.skipIf(LIBRARY === undefined)(
  "F12: no penalty, deadline, session or part ends or lasts by the wall clock",
  async () => {
    const idle = await signedIn(server);
    const { id, reply } = openUpload(idle, "/part", 100);
    await reply;
    await sendPiece(idle, id, 0, new Uint8Array(50));
    await idle.call("closeTransfer", { transfer: id, isDiscarded: false });
    const address = freshAddress();
    for (let count = 0; count < 12; count += 1) {
      // Refused from the fourth on, on a connection that was there before.
      const client = await greeted(server, address).catch(() => undefined);
      if (client === undefined) break;
      await guess(client, "nobody");
      client.close();
    }
    const beganMs = performance.now();
    const began = await waitMs(address);
    expect(began).toBeGreaterThan(10_000);
    const stranger = await greeted(server, freshAddress());
    const year = await serverYear();

    for (const offset of ["-10d", "+10y"]) {
      await setClock(offset);
      await Bun.sleep(1500);
      const expected = began - (performance.now() - beganMs);
      expect(Math.abs((await waitMs(address)) - expected)).toBeLessThan(1000);
      expect(await outcomeOf(idle.call("quota", {}))).toBe("none");
      expect(stranger.isOpen).toBe(true);
      expect(await unfinished(idle)).toBe(1);
    }
    expect(await outcomeOf(stranger.signIn("ann", new DerivedKeys(() => "pw")))).toBe("none");
    expect(await serverYear()).toBeGreaterThanOrEqual(year + 9);
    // Ten years later uploads were looked at, each 10 s.
    await Bun.sleep(Math.max(0, began - (performance.now() - beganMs) + 100));
    expect(await waitMs(address)).toBe(0);
    expect(await unfinished(idle)).toBe(1);
    stranger.close();
    idle.close();
  },
  60_000,
);
