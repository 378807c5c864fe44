/**
 * V12: sessions that are signed in and say nothing. What each costs the server, and whether
 * another one is served as fast as before; they stay, and when they have gone the server has
 * what it had.
 */
import { HOME } from "../../src/base/path.ts";
import type { Client } from "../../src/client/client.ts";
import { linesOf } from "../e2e/binary.ts";
import type { Scene } from "../e2e/binary.ts";
import { signedIn } from "../e2e/wire.ts";
import type { Campaign } from "./campaign.ts";
import { MIB, quantile, Vitals } from "./crowds-ground.ts";
import { until } from "./rounds-peers.ts";

const LISTS = 200;
/** From here on it is a measurement, and judged as one. */
const LARGE = 1000;
/** The bound for the 99th of a hundred; not judged where others use the machine. */
const LIST_MS_MAX = 50;
const PROGRAM = new URL("crowds-process.ts", import.meta.url).pathname;

class Crowd {
  readonly #child;
  readonly #lines: AsyncIterator<string>;

  constructor(port: number, way: string, first: number, count: number) {
    const words = [process.execPath, PROGRAM, String(port), way, String(first), String(count)];
    this.#child = Bun.spawn(words, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    this.#lines = linesOf(this.#child.stdout)[Symbol.asyncIterator]();
  }

  /** The number of the next line. */
  async told(): Promise<number> {
    const { value } = await this.#lines.next();
    return Number(String(value).split(" ")[1]);
  }

  leave(): void {
    void this.#child.stdin.write("leave\n");
    void this.#child.stdin.end();
  }

  async ended(): Promise<void> {
    await this.#child.exited;
  }
}

export async function idle(
  campaign: Campaign,
  scene: Scene,
  { count, processes, isPlain }: { count: number; processes: number; isPlain: boolean },
): Promise<Record<string, unknown>> {
  const options = ["--max-sessions", String(count + 100)];
  const server = await scene.serve(...options, ...(isPlain ? ["--plain", "127.0.0.1:0"] : []));
  const vitals = new Vitals(server);
  const port = isPlain ? Number((await server.event("listening-plain"))["port"]) : server.port;
  const other = await signedIn(server);
  // What the first sessions make the runtime take is not the price of one.
  await gathered(port, isPlain, 20, 1, 100_000).then((crowd) => dismiss(crowd));
  await lists(other);
  const before = { mib: vitals.rssMib, bytes: vitals.rssBytes, descriptors: vitals.descriptors };
  const aloneMs = await lists(other);
  const beganMs = performance.now();
  const crowds = await gathered(port, isPlain, count, processes, 0);
  const signInSeconds = Math.round((performance.now() - beganMs) / 1000);
  const insideCount = crowds.inCount;
  if (insideCount !== count) campaign.fail(`idle: only ${insideCount} of ${count} signed in`);
  await Bun.sleep(count > LARGE ? 5000 : 500);
  const during = vitals.rssBytes;
  const listedMs = await lists(other);
  const cpuBefore = vitals.cpuSeconds;
  const restMs = count > LARGE ? 30_000 : 1000;
  await Bun.sleep(restMs);
  const cpuPercent = Math.round(((vitals.cpuSeconds - cpuBefore) / restMs) * 100_000);
  const openCount = await dismiss(crowds);
  if (openCount !== count) campaign.fail(`idle: only ${openCount} of ${count} stayed`);
  await until("idle: descriptors", () => vitals.descriptors <= before.descriptors + 2, 20_000);
  await Bun.sleep(500);
  if (quantile(listedMs, 0.99) > LIST_MS_MAX && count > LARGE) {
    campaign.fail(`idle: ls p99 ${quantile(listedMs, 0.99)} ms`);
  }
  other.close();
  const result = {
    sessions: count,
    signInSeconds,
    rssMib: [before.mib, Math.round(during / MIB), vitals.rssMib],
    kibPerSession: Math.round(((during - before.bytes) / count / 1024) * 10) / 10,
    lsAloneMs: [quantile(aloneMs, 0.5), quantile(aloneMs, 0.99)],
    lsMs: [quantile(listedMs, 0.5), quantile(listedMs, 0.99)],
    cpuPercent,
  };
  await server.stop();
  return result;
}

interface Crowds {
  readonly all: readonly Crowd[];
  readonly inCount: number;
}

async function gathered(
  port: number,
  isPlain: boolean,
  count: number,
  processes: number,
  first: number,
): Promise<Crowds> {
  const each = Math.ceil(count / processes);
  const all = Array.from({ length: processes }, (_hole, index) => {
    const share = Math.min(each, count - index * each);
    return new Crowd(port, isPlain ? "plain" : "tls", first + index * each, share);
  });
  const told = await Promise.all(all.map((crowd) => crowd.told()));
  return { all, inCount: told.reduce((sum, one) => sum + one, 0) };
}

/** @returns how many were still open */
async function dismiss({ all }: Crowds): Promise<number> {
  for (const crowd of all) crowd.leave();
  const told = await Promise.all(all.map((crowd) => crowd.told()));
  await Promise.all(all.map((crowd) => crowd.ended()));
  return told.reduce((sum, one) => sum + one, 0);
}

/** How long each of many `ls` takes. */
async function lists(client: Client): Promise<number[]> {
  const tookMs: number[] = [];
  for (let index = 0; index < LISTS; index += 1) {
    const beganMs = performance.now();
    await client.call("list", { path: HOME, cursor: 0 });
    tookMs.push(performance.now() - beganMs);
    await Bun.sleep(5);
  }
  return tookMs;
}
