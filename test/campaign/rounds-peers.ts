/**
 * Clients in this process, for campaigns that need many of them at once: an account with
 * its connections, whole files put and fetched by the client's own code, and what of an
 * account lies on the server's disk.
 *
 * The password is derived once for each account, so a connection costs a handshake.
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { FtpxError } from "../../src/base/errors.ts";
import { DerivedKeys } from "../../src/base/scram.ts";
import type { Client, ReplyOf, StartedCall } from "../../src/client/client.ts";
import { connect } from "../../src/client/connect.ts";
import type { Endpoint } from "../../src/client/connect.ts";
import type { Copied, CopyJob } from "../../src/client/copy.ts";
import { downloadOnce } from "../../src/client/get.ts";
import { uploadOnce } from "../../src/client/put.ts";
import type { Ran, Scene, Server } from "../e2e/binary.ts";
import { DEAF, uploadOf } from "../e2e/wire.ts";
import type { Campaign } from "./campaign.ts";
import { descriptorsOf, whatFails } from "./invariant.ts";
import { Chance } from "../support/chance.ts";
import { jobOf } from "../support/job.ts";
import { openFilesOf, residentBytesOf } from "../support/process.ts";

export const PASSWORD = "pw";

/** For commands of the compiled client that are started and not waited for. */
export const WITH_PASSWORD = { env: { FTPX_PASSWORD: PASSWORD } } as const;

/** Strangers are refused above 64, so no more than this many sign in at once. */
const SIGN_INS_AT_ONCE = 24;

/** One account as clients of this process use it. */
export class Guest {
  readonly user: string;
  readonly #keys = new DerivedKeys(() => PASSWORD);
  readonly #open = new Set<Client>();

  constructor(user: string) {
    this.user = user;
  }

  /** Adds the account, with PASSWORD. */
  static async add(scene: Scene, user: string, ...options: string[]): Promise<Guest> {
    await scene.addUser(user, PASSWORD, ...options);
    return new Guest(user);
  }

  /** @param through the port of a line to the server, where it is not reached directly */
  async signIn({ port, fingerprint }: Server, through = port): Promise<Client> {
    return await this.#signIn({ host: "127.0.0.1", port: through, fingerprint, name: "campaign" });
  }

  /** Without TLS. */
  async signInPlain(port: number): Promise<Client> {
    const endpoint = { host: "127.0.0.1", port, fingerprint: undefined, name: "campaign" };
    return await this.#signIn({ ...endpoint, isPlain: true });
  }

  async signInMany(server: Server, count: number, through = server.port): Promise<Client[]> {
    const clients: Client[] = [];
    while (clients.length < count) {
      const some = Math.min(SIGN_INS_AT_ONCE, count - clients.length);
      const signing = Array.from({ length: some }, () => this.signIn(server, through));
      clients.push(...(await Promise.all(signing)));
    }
    return clients;
  }

  async #signIn(endpoint: Endpoint): Promise<Client> {
    const { client } = await connect(endpoint, "campaign");
    await client.signIn(this.user, this.#keys);
    this.#open.add(client);
    return client;
  }

  close(): void {
    for (const client of this.#open) client.connection.terminate();
    this.#open.clear();
  }
}

/** A command that takes longer hangs; it is killed, and its status is none of ours. */
const COMMAND_MS_MAX = 150_000;

/** Runs a command of the compiled client to its end, as any of the accounts. */
export async function runClient(
  scene: Scene,
  words: readonly string[],
  withinMs = COMMAND_MS_MAX,
): Promise<Ran> {
  const child = scene.start(words, WITH_PASSWORD);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill("SIGKILL");
  }, withinMs);
  const [stdout, errors, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  clearTimeout(timer);
  return { status, stdout, stderr: isLate ? `${errors}(killed after ${withinMs} ms)` : errors };
}

/** One attempt to put a file, as the compiled client makes it. */
export function putOnce(
  client: Client,
  local: string,
  path: string,
  options: Partial<CopyJob> = {},
): Promise<Copied> {
  return uploadOnce(client, jobOf(local, path, options));
}

/** One attempt to get a file, as the compiled client makes it. */
export function getOnce(client: Client, path: string, local: string): Promise<Copied> {
  return downloadOnce(client, jobOf(local, path), "campaign");
}

/** As in e2e/wire.ts, but it goes on where an earlier one was cut off. */
export function openUpload(
  client: Client,
  path: string,
  totalBytes: number,
  listener = DEAF,
): StartedCall<ReplyOf<"openUpload">> {
  const request = { ...uploadOf(path, totalBytes), isFresh: false };
  return client.start("openUpload", request, listener);
}

/** The kind of a refusal, "done" where there is none. @throws what is no FtpxError */
export async function kindOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "done";
  } catch (error) {
    if (error instanceof FtpxError) return error.kind;
    throw error;
  }
}

/** Workers that are started when they are needed first, and connections that have just closed. */
const SETTLE_MS = 300;

/**
 * Open descriptors of a server that has done everything once and is idle: what it must come
 * back to.
 */
export async function idleDescriptors(scene: Scene, server: Server, user: string): Promise<number> {
  const failures = await whatFails(scene, server, user, PASSWORD);
  if (failures.length > 0) throw new Error(failures.join());
  const path = scene.path("probe");
  for (const words of [
    ["put", path, server.target(user, "/.idle")],
    ["digest", server.target(user, "/.idle")],
    ["rm", server.target(user, "/.idle")],
  ]) {
    const { status, stderr } = await runClient(scene, words);
    if (status !== 0) throw new Error(`${words[0]}: ${stderr}`);
  }
  let fewest = Number.POSITIVE_INFINITY;
  const endMs = performance.now() + SETTLE_MS;
  while (performance.now() < endMs) {
    fewest = Math.min(fewest, descriptorsOf(server));
    await Bun.sleep(10);
  }
  return fewest;
}

/** Waits until a server holds no more descriptors than then; that it goes on to is a violation. */
export async function demandDescriptors(
  campaign: Campaign,
  server: Server,
  baseline: number,
  withinMs?: number,
): Promise<void> {
  const hasGivenBack = () => descriptorsOf(server) <= baseline;
  await until(`descriptors back at ${baseline}`, hasGivenBack, withinMs).catch((error: unknown) => {
    const open = openFilesOf(server.process.pid).join(" ");
    campaign.fail(`${String(error)}, there are ${descriptorsOf(server)}: ${open}`);
  });
}

/**
 * Memory within a bound: what the collector has not come to yet goes while the server is asked
 * this and that.
 */
export async function demandMemory(
  campaign: Campaign,
  server: Server,
  mostBytes: number,
  ask: () => Promise<unknown>,
  withinMs?: number,
): Promise<void> {
  const residentBytes = () => residentBytesOf(server.process.pid);
  const isLevel = async () => {
    if (residentBytes() <= mostBytes) return true;
    await ask();
    return false;
  };
  await until(`at most ${mostBytes} bytes of memory`, isLevel, withinMs).catch((error: unknown) =>
    campaign.fail(`${String(error)}, there are ${residentBytes()}`),
  );
}

export function partsOf(scene: Scene): string[] {
  return readdirSync(join(scene.data, "storage/.ftpx/parts"));
}

export interface Stored {
  readonly path: string;
  readonly inode: number;
  readonly bytes: number;
}

/** All files of one account and all parts. A part that becomes a file meanwhile is found as one of them. */
export function storedOf(scene: Scene, user: string): Stored[] {
  const parts = filesBelow(join(scene.data, "storage/.ftpx/parts"));
  const found = new Map(parts.map((file) => [file.inode, file]));
  for (const file of filesBelow(join(scene.data, "storage", user))) found.set(file.inode, file);
  return [...found.values()];
}

function filesBelow(folder: string): Stored[] {
  const found: Stored[] = [];
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const path = join(folder, name);
    // Gone between the two calls: not stored any more.
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats?.isFile() === true) found.push({ path, inode: stats.ino, bytes: stats.size });
  }
  return found;
}

/** For work that runs beside others: what it draws does not depend on when they draw. */
export function forkChance(chance: Chance): Chance {
  return new Chance(chance.below(2 ** 31));
}

/** Does something again and again until it is stopped. */
export function repeat(work: () => Promise<void>): { stop(): Promise<void> } {
  const state = { isOver: false };
  const repeating = (async () => {
    while (!state.isOver) await work();
  })();
  // Whoever stops it hears of a failure.
  repeating.catch(() => {});
  return {
    stop: async () => {
      state.isOver = true;
      await repeating;
    },
  };
}

/** Waits until something holds that nobody announces. @throws when it never does */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = 10_000,
): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error(`in vain: ${what}`);
    await Bun.sleep(5);
  }
}
