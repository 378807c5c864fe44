/**
 * D3: sessions that ask for a file of 1 GiB, or for big listings without end, and read nothing.
 * The server's memory stays within a window and the queue of replies for each, mostly far below;
 * somebody else gets the whole file meanwhile.
 */
import { mkdir, open, writeFile } from "node:fs/promises";
import { parsePath } from "../../src/base/path.ts";
import type { Scene } from "../e2e/binary.ts";
import { DEAF } from "../e2e/wire.ts";
import type { Campaign } from "./campaign.ts";
import { addressOf, inLanes, MIB, PASSWORD, signInFrom, userOf, Vitals } from "./crowds-ground.ts";
import type { Guest } from "./crowds-ground.ts";

const FILE_BYTES = 1024 * MIB;
const ENTRIES = 2000;
/** The row's bound: a window and 64 KiB for each. */
const EACH_BYTES_MAX = 8 * MIB + 64 * 1024;
/** Users that share the sessions among them. */
const HOMES = 4;
/** What the runtime leaves uncollected for a while, however few they are. */
const GARBAGE_BYTES_MAX = 256 * MIB;
const WATCH_MS = 4000;

export async function readers(
  campaign: Campaign,
  scene: Scene,
  count: number,
): Promise<Record<string, unknown>> {
  const server = await scene.serve();
  const vitals = new Vitals(server);
  for (let index = 0; index < Math.min(count, HOMES); index += 1)
    await furnish(scene, userOf(index));
  await furnish(scene, "ann");
  const get = async (name: string) =>
    await scene.run(["get", server.target("ann", "/small"), scene.path(name)], {
      env: { FTPX_PASSWORD: PASSWORD },
    });
  await get("warm");
  const before = { bytes: vitals.rssBytes, mib: vitals.rssMib };
  let peakBytes = 0;
  const sample = setInterval(() => (peakBytes = Math.max(peakBytes, vitals.rssBytes)), 100);
  const guests: Guest[] = [];
  await inLanes(8, count, async (index) => {
    const address = { port: server.port, localAddress: addressOf(index) };
    const guest = await signInFrom(address, userOf(index % HOMES));
    guests.push(guest);
    guest.deafen();
    if (index % 2 === 0) askForFile(guest);
    else askForListings(guest);
  });
  await Bun.sleep(WATCH_MS);
  const { status, stderr } = await get("meanwhile");
  if (status !== 0) campaign.fail(`D3: a get meanwhile: ${status} ${stderr}`);
  clearInterval(sample);
  const grownBytes = peakBytes - before.bytes;
  if (grownBytes > count * EACH_BYTES_MAX + GARBAGE_BYTES_MAX) {
    campaign.fail(`D3: memory grew by ${Math.round(grownBytes / MIB)} MiB`);
  }
  for (const { client } of guests) client.connection.terminate();
  // What was garbage and what was held shows only some time after they have gone.
  await Bun.sleep(2000);
  const result = {
    sessions: count,
    rssMib: [before.mib, Math.round(peakBytes / MIB), vitals.rssMib],
    kibPerSession: Math.round(grownBytes / count / 1024),
  };
  await server.stop();
  return result;
}

/** A file of 1 GiB without content, a small one, and a directory of long names. */
async function furnish(scene: Scene, user: string): Promise<void> {
  const home = `${scene.data}/storage/${user}`;
  await mkdir(`${home}/many`, { recursive: true, mode: 0o700 });
  const file = await open(`${home}/large`, "w");
  await file.truncate(FILE_BYTES);
  await file.close();
  await Bun.write(`${home}/small`, new Uint8Array(3 * MIB));
  const names = Array.from({ length: ENTRIES }, (_hole, index) => `${"n".repeat(200)}${index}`);
  // One by one, and never in the way of what this process times beside it.
  for (const name of names) await writeFile(`${home}/many/${name}`, "");
}

function askForFile({ client }: Guest): void {
  const path = parsePath("/large");
  for (let index = 0; index < 4; index += 1) {
    const about = { path, algorithm: "sha256", version: undefined, windowBytes: 8 * MIB } as const;
    client.start("openDownload", { ...about, fromOffset: 0 }, DEAF).reply.catch(() => {});
  }
}

function askForListings({ client }: Guest): void {
  const path = parsePath("/many");
  for (let index = 0; index < 200; index += 1) {
    client.call("list", { path, cursor: 0 }).catch(() => {});
  }
}
