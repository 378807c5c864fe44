/**
 * V13, D9: connections that are made and dropped, in every way and at every stage. Descriptors
 * and memory are as before, and somebody else is served all the time.
 */
import { HOME } from "../../src/base/path.ts";
import type { Scene } from "../e2e/binary.ts";
import { signedIn } from "../e2e/wire.ts";
import { Stranger } from "../e2e/stranger.ts";
import type { Campaign } from "./campaign.ts";
import { addressOf, comeIn, inLanes, MIB, signInFrom, userOf, Vitals } from "./crowds-ground.ts";
import { demandMemory, until } from "./rounds-peers.ts";

const LANES = 16;
const GROWTH_BYTES_MAX = 20 * MIB;
const LEVEL_MS_MAX = 30_000;
/** What the runtime takes once and keeps is not growth. */
const WARM_UP_MAX = 5000;
/** Of a hundred. Where more of them are, it is not churn that was tried. */
const REFUSED_PERCENT_MAX = 1;

export async function churn(
  campaign: Campaign,
  scene: Scene,
  count: number,
): Promise<Record<string, unknown>> {
  const server = await scene.serve();
  const vitals = new Vitals(server);
  const other = await signedIn(server);
  await churnAll(server.port, Math.min(WARM_UP_MAX, count), 200_000);
  await Bun.sleep(1000);
  const before = { bytes: vitals.rssBytes, mib: vitals.rssMib, descriptors: vitals.descriptors };
  const beganMs = performance.now();
  const ways = await churnAll(server.port, count, 0);
  const seconds = (performance.now() - beganMs) / 1000;
  if (ways.refused > (count * REFUSED_PERCENT_MAX) / 100) {
    campaign.fail(`D9: ${ways.refused} of ${count} connections were refused`);
  }
  await until("D9: descriptors", () => vitals.descriptors <= before.descriptors + 2, 20_000);
  const ask = async () => await other.call("list", { path: HOME, cursor: 0 });
  await demandMemory(campaign, server, before.bytes + GROWTH_BYTES_MAX, ask, LEVEL_MS_MAX);
  // Also where nothing had to be waited for.
  await ask();
  other.close();
  const result = {
    connections: count,
    ...ways,
    perSecond: Math.round(count / seconds),
    descriptors: [before.descriptors, vitals.descriptors],
    rssMib: [before.mib, vitals.rssMib],
  };
  await server.stop();
  return result;
}

/** @returns how many of them ended in which way */
async function churnAll(port: number, count: number, first: number) {
  const counts = { tcp: 0, tls: 0, hello: 0, signedIn: 0, refused: 0 };
  await inLanes(LANES, count, async (index) => {
    const localAddress = addressOf(first + index);
    try {
      const way = WAYS[index % WAYS.length] ?? "tcp";
      await come[way](port, localAddress, index);
      counts[way] += 1;
    } catch {
      counts.refused += 1;
    }
  });
  return counts;
}

/** Sign-ins cost the most, so they are one of ten. */
const WAYS = [
  "tcp",
  "tls",
  "tcp",
  "tls",
  "hello",
  "tcp",
  "tls",
  "tcp",
  "hello",
  "signedIn",
] as const;

const come = {
  tcp: async (port: number, address: string) => {
    const stranger = await Stranger.connect(port, address, { tls: false });
    stranger.terminate();
  },
  tls: async (port: number, address: string) => {
    const stranger = await Stranger.connect(port, address);
    await stranger.shaken;
    stranger.terminate();
  },
  hello: async (port: number, localAddress: string) => {
    const { client } = await comeIn({ port, localAddress });
    client.close();
  },
  signedIn: async (port: number, localAddress: string, index: number) => {
    const { client } = await signInFrom({ port, localAddress }, userOf(index));
    if (index % 20 === 9) client.connection.terminate();
    else client.close();
  },
};
