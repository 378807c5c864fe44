/**
 * D1: connections each of which announces a body of 4 GiB. Every one is told why and closed
 * by its header alone, and memory is as before.
 */
import { TABLE } from "../../src/commands/table.ts";
import { encodeHeader, HEADER_BYTES } from "../../src/wire/frame.ts";
import { Stranger } from "../e2e/stranger.ts";
import type { Scene } from "../e2e/binary.ts";
import type { Campaign } from "./campaign.ts";
import { addressOf, inLanes, MIB, Vitals } from "./crowds-ground.ts";

const LANES = 32;
const GROWTH_MIB_MAX = 20;
/** What the runtime takes once and keeps is not growth. */
const WARM_UP_MAX = 1000;
const ANNOUNCED_BYTES = 0xffff_ffff;

const HEADER = new Uint8Array(HEADER_BYTES);
encodeHeader(new DataView(HEADER.buffer), {
  command: TABLE.hello.code,
  flags: 0,
  requestId: 1,
  bodyBytes: ANNOUNCED_BYTES,
});

export async function boasts(
  campaign: Campaign,
  scene: Scene,
  count: number,
): Promise<Record<string, unknown>> {
  const server = await scene.serve();
  const vitals = new Vitals(server);
  const boastAll = async (each: number, first: number) => {
    const answers: Record<string, number> = {};
    await inLanes(LANES, each, async (index) => {
      const answer = await boast(server.port, addressOf(first + index));
      answers[answer] = (answers[answer] ?? 0) + 1;
    });
    return answers;
  };
  await boastAll(Math.min(WARM_UP_MAX, count), 200_000);
  const before = { bytes: vitals.rssBytes, mib: vitals.rssMib };
  let peakBytes = 0;
  const sample = setInterval(() => (peakBytes = Math.max(peakBytes, vitals.rssBytes)), 50);
  const answers = await boastAll(count, 0);
  clearInterval(sample);
  peakBytes = Math.max(peakBytes, vitals.rssBytes);
  const growthMib = Math.round((peakBytes - before.bytes) / MIB);
  if (answers["BODY_TOO_LARGE"] !== count) campaign.fail(`D1: ${JSON.stringify(answers)}`);
  if (growthMib >= GROWTH_MIB_MAX) campaign.fail(`D1: memory grew by ${growthMib} MiB`);
  const result = { ...answers, rssMib: [before.mib, Math.round(peakBytes / MIB)] };
  await server.stop();
  return result;
}

/** @returns the error that the server said before it closed the connection */
async function boast(port: number, address: string): Promise<string> {
  const stranger = await Stranger.connect(port, address);
  await stranger.shaken;
  await stranger.send(HEADER);
  await stranger.closed;
  return stranger.lastError ?? "silence";
}
