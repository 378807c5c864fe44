/**
 * V11, D2: connections that stop where nobody has signed in yet: after TCP, in the middle of the
 * TLS handshake, after it, after half a frame; some send a byte a second. All of them are gone
 * within GONE_MS_MAX, and meanwhile somebody who knows a password signs in.
 */
import { DerivedKeys } from "../../src/base/scram.ts";
import { TABLE } from "../../src/commands/table.ts";
import { encodeFrame } from "../../src/wire/frame.ts";
import type { Scene, Server } from "../e2e/binary.ts";
import { greeted } from "../e2e/wire.ts";
import { Stranger } from "../e2e/stranger.ts";
import type { Campaign } from "./campaign.ts";
import { addressOf, inLanes, PASSWORD, quantile, Vitals } from "./crowds-ground.ts";
import { until } from "./rounds-peers.ts";

const GONE_MS_MAX = 20_000;
/** By hand; where other crowds share the machine it is no more than a deadline. */
const SIGN_IN_MS_MAX = 1000;
const SIGN_IN_SMALL_MS_MAX = 5000;
const LARGE = 1000;
const KINDS = ["tcp", "tcp dribble", "half hello", "tls", "tls dribble"] as const;

/** The record and the beginning of a ClientHello, as OpenSSL writes it. */
const CLIENT_HELLO = Uint8Array.of(22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, ...new Uint8Array(500));

export async function silent(
  campaign: Campaign,
  scene: Scene,
  { count, addresses }: { count: number; addresses: number },
): Promise<Record<string, unknown>> {
  const server = await scene.serve();
  const vitals = new Vitals(server);
  const keys = new DerivedKeys(() => PASSWORD);
  await signIn(server, keys);
  const before = { mib: vitals.rssMib, descriptors: vitals.descriptors };
  const beganMs = performance.now();
  const strangers: Stranger[] = [];
  const dribbling: Stranger[] = [];
  let refused = 0;
  let longestMs = 0;
  let peakMib = 0;
  const arriving = inLanes(100, count, async (index) => {
    const kind = KINDS[index % KINDS.length] ?? "tcp";
    const address = addressOf(addresses > 0 ? index % addresses : index);
    const bornMs = performance.now();
    try {
      const stranger = await Stranger.connect(server.port, address, {
        tls: kind.startsWith("tls"),
      });
      strangers.push(stranger);
      if (kind === "half hello") await stranger.send(CLIENT_HELLO.subarray(0, 200));
      if (kind.endsWith("dribble")) dribbling.push(stranger);
      void stranger.closed.then(
        () => (longestMs = Math.max(longestMs, performance.now() - bornMs)),
      );
    } catch {
      refused += 1;
    }
  });
  const dribble = setInterval(() => void dribbleAll(dribbling), 1000);
  const sample = setInterval(() => (peakMib = Math.max(peakMib, vitals.rssMib)), 250);
  const signInsMs: number[] = [];
  const signInAll = async () => {
    while (strangers.length === 0 || strangers.some(({ isOpen }) => isOpen)) {
      signInsMs.push(await signIn(server, keys));
      await Bun.sleep(250);
    }
  };
  const signingIn = signInAll();
  await arriving;
  const arrivedMs = Math.round(performance.now() - beganMs);
  await Promise.all(strangers.map(({ closed }) => closed));
  await signingIn;
  clearInterval(dribble);
  clearInterval(sample);
  await until("D2: descriptors", () => vitals.descriptors <= before.descriptors + 2, 10_000);
  if (longestMs > GONE_MS_MAX) campaign.fail(`D2: one stayed for ${Math.round(longestMs)} ms`);
  const slowestMs = Math.round(Math.max(...signInsMs));
  if (slowestMs > (count > LARGE ? SIGN_IN_MS_MAX : SIGN_IN_SMALL_MS_MAX))
    campaign.fail(`D2: a sign-in took ${slowestMs} ms`);
  const result = {
    connections: count,
    resetAtOnce: refused,
    arrivedMs,
    longestMs: Math.round(longestMs),
    signIns: signInsMs.length,
    signInMs: [quantile(signInsMs, 0.5), quantile(signInsMs, 0.99)],
    slowestMs,
    rssMib: [before.mib, peakMib, vitals.rssMib],
  };
  await server.stop();
  return result;
}

/** Until it is in; a refusal for want of room is tried again at once, as people do. */
async function signIn(server: Server, keys: DerivedKeys): Promise<number> {
  const beganMs = performance.now();
  for (;;) {
    try {
      const client = await greeted(server);
      await client.signIn("ann", keys);
      client.close();
      return performance.now() - beganMs;
    } catch (error) {
      if (performance.now() - beganMs > 60_000) throw error;
      await Bun.sleep(50);
    }
  }
}

async function dribbleAll(strangers: readonly Stranger[]): Promise<void> {
  const frame = encodeFrame(TABLE.hello.code, 0, 1, new Uint8Array(200));
  for (const stranger of strangers) {
    const bytes = stranger.isSecure ? frame : CLIENT_HELLO;
    if (stranger.isOpen)
      await stranger.send(bytes.subarray(stranger.sentBytes, stranger.sentBytes + 1));
  }
}
