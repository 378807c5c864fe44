/**
 * The real side of the model-based campaign: one compiled server for many sequences, four
 * users with three connections each, and what can be seen of them from outside.
 *
 * A connection is made when it is first used and again after a crash or a cut; passwords
 * are derived once. Everything that waits has a bound, so a server that hangs is found.
 */
import { watch } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { FtpxError } from "../../src/base/errors.ts";
import type { ErrorKind } from "../../src/base/errors.ts";
import { parsePath } from "../../src/base/path.ts";
import { DerivedKeys } from "../../src/base/scram.ts";
import type { Client } from "../../src/client/client.ts";
import { connect } from "../../src/client/connect.ts";
import { Scene } from "../e2e/binary.ts";
import type { Server } from "../e2e/binary.ts";
import { sha256Hex } from "./invariant.ts";
import { makeSources } from "./model-sources.ts";
import type { Sources } from "./model-sources.ts";
import { HOME, lineOf } from "./model-world.ts";
import type { Amount, Node, Tree } from "./model-world.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const PASSWORD = "pw";
/** Nothing that is asked for takes so long, not even on a machine that does other things. */
const ANSWER_MS_MAX = 30_000;

/** Roomy, room for one large file, for small ones only, and few files. */
export const LIMITS: Readonly<Record<string, Amount>> = {
  ann: { bytes: 120 * MIB, files: 200 },
  bob: { bytes: 20 * MIB, files: 12 },
  cat: { bytes: 700 * KIB, files: 30 },
  dan: { bytes: 60 * MIB, files: 5 },
};

export const USERS = Object.keys(LIMITS);
export const CONNECTIONS_EACH = 3;

/** What a client heard: what was done, a typed refusal, or that the line was lost. */
export interface Heard {
  readonly kind: ErrorKind | "done";
  readonly facts: string;
  readonly resumedAt: number;
}

/** An unfinished upload, as its user is told of it. */
export interface SeenUpload {
  readonly totalBytes: number;
  readonly heldBytes: number;
}

/** A user's state as it looks from outside; uploads by path, listings by directory. */
export interface Seen {
  readonly uploads: ReadonlyMap<string, SeenUpload>;
  readonly used: Amount;
  readonly reserved: Amount;
  readonly limit: Amount;
  readonly listings: ReadonlyMap<string, string>;
}

/** Where something changes as an operation goes on. */
export type Place = "home" | "parts" | "database";

/** The server did what no order of steps explains. */
export class Difference extends Error {}

export class Ground {
  readonly scene: Scene;
  readonly sources: Sources;
  readonly #keys: ReadonlyMap<string, DerivedKeys>;
  readonly #clients = new Map<string, Promise<Client>>();
  readonly #sums = new Map<string, string>();
  /** What starts after a crash found under way: renamed, not renamed yet, without a part. */
  readonly recovered = { finished: 0, takenBack: 0, discarded: 0 };
  #server: Server;
  #scratchCount = 0;

  private constructor(scene: Scene, sources: Sources, server: Server) {
    this.scene = scene;
    this.sources = sources;
    this.#server = server;
    this.#keys = new Map(USERS.map((user) => [user, new DerivedKeys(() => PASSWORD)]));
  }

  static async open(): Promise<Ground> {
    const scene = await Scene.begin();
    try {
      for (const [user, { bytes, files }] of Object.entries(LIMITS)) {
        await scene.addUser(user, PASSWORD, "--quota", `${bytes}`, "--files", `${files}`);
      }
      const sources = await makeSources(scene.path("sources"));
      return new Ground(scene, sources, await startServer(scene));
    } catch (error) {
      await scene.end();
      throw error;
    }
  }

  get server(): Server {
    return this.#server;
  }

  get password(): string {
    return PASSWORD;
  }

  async close(): Promise<void> {
    await this.disconnect();
    await this.scene.end();
  }

  client(user: string, index = 0): Promise<Client> {
    const key = `${user} ${index}`;
    const opening = this.#clients.get(key) ?? this.#connect(user);
    this.#clients.set(key, opening);
    const usable = opening.then((client) => {
      if (client.isOpen) return client;
      this.#clients.delete(key);
      return this.client(user, index);
    });
    return within(usable, `connecting ${user}`);
  }

  /** Ends all connections from this side, in the proper way. */
  async disconnect(): Promise<void> {
    const all = await Promise.allSettled(this.#clients.values());
    this.#clients.clear();
    for (const one of all) if (one.status === "fulfilled") one.value.close();
  }

  /** Ends the server and starts it on the same data; it has counted again when this resolves. */
  async restart(how: "SIGKILL" | "SIGTERM"): Promise<void> {
    if (how === "SIGKILL") await this.#server.kill();
    else {
      const status = await within(this.#server.stop(), "stopping the server");
      if (status !== 0) throw new Difference(`SIGTERM: status ${status}`);
    }
    this.#clients.clear();
    this.#server = await startServer(this.scene);
    const found = this.#server.events.find(({ event }) => event === "recovered") ?? {};
    for (const name of ["finished", "takenBack", "discarded"] as const) {
      this.recovered[name] += Number((found as Record<string, unknown>)[name] ?? 0);
    }
  }

  /**
   * Resolves at a change in the home, among the parts or in the database: that is how to be
   * there between two steps of an operation.
   */
  watch(
    user: string,
    where: Place,
    count: number,
  ): { readonly reached: Promise<void>; stop(): void } {
    const { promise: reached, resolve } = Promise.withResolvers<void>();
    const own = join(this.scene.data, "storage", ".ftpx");
    const folders = { home: join(this.scene.data, "storage", user), parts: join(own, "parts") };
    const folder = where === "database" ? own : folders[where];
    let left = count;
    const watching = watch(folder, { recursive: where === "home" }, (_event, name) => {
      if (where === "database" && name?.endsWith("-wal") !== true) return;
      left -= 1;
      if (left === 0) resolve();
    });
    return { reached, stop: () => watching.close() };
  }

  /** Changes a limit as the operator does, and waits until the server has taken it. */
  async setLimit(user: string, { bytes, files }: Amount): Promise<void> {
    const known = new Set(this.#server.events);
    const words = ["usermod", user, "--quota", `${bytes}`, "--files", `${files}`];
    const { status, stderr } = await this.scene.run([...words, "--data", this.scene.data]);
    if (status !== 0) throw new Difference(`usermod: status ${status}: ${stderr}`);
    const taken = this.#server.event("reload", (event) => !known.has(event));
    await within(taken, "the server taking accounts.toml");
  }

  /** Quota and listings, over the wire. */
  async see(user: string, directories: readonly string[] = []): Promise<Seen> {
    const client = await this.client(user);
    const lists = directories.map(async (path) => [path, await listing(client, path)] as const);
    const asked = [client.call("quota", {}), client.call("uploads", { after: undefined })] as const;
    const [quota, { uploads }, ...listings] = await within(
      Promise.all([...asked, ...lists]),
      `looking at ${user}`,
    );
    return {
      uploads: new Map(uploads.map(({ path, ...upload }) => [path, upload])),
      used: { bytes: quota.usedBytes, files: quota.usedFiles },
      reserved: { bytes: quota.reservedBytes, files: quota.reservedFiles },
      limit: { bytes: quota.limitBytes, files: quota.limitFiles },
      listings: new Map(listings),
    };
  }

  /** All that lies in a home, content included, as the operator sees it. */
  async treeOf(user: string): Promise<Tree> {
    const home = join(this.scene.data, "storage", user);
    const names = await readdir(home, { recursive: true });
    const nodes = names.map(async (name) => [`/${name}`, await this.#nodeAt(join(home, name))]);
    return new Map((await Promise.all(nodes)) as [string, Node][]);
  }

  /** A place on this machine for something that is fetched. */
  scratch(): string {
    this.#scratchCount += 1;
    return this.scene.path(`scratch-${this.#scratchCount}`);
  }

  /** Events that no input may bring about. */
  takeDefects(): string[] {
    const bad = this.#server.events.filter(({ event }) => event === "defect" || event === "fault");
    // Nobody waits for what is past; in a long run there would be hundreds of thousands.
    this.#server.events.length = 0;
    return bad.map((event) => JSON.stringify(event));
  }

  /** Empties a home, gives its unfinished uploads up, and sets its limit as it was. */
  async wipe(user: string): Promise<void> {
    const client = await this.client(user);
    const { uploads } = await this.see(user);
    const drops = [...uploads.keys()].map((path) =>
      client.call("dropUpload", { path: parsePath(path) }),
    );
    await within(Promise.all([...drops, removeAll(client)]), "emptying a home");
    const { used, reserved, limit } = await this.see(user);
    const left = [used.bytes, used.files, reserved.bytes, reserved.files];
    if (left.some((count) => count !== 0)) {
      throw new Difference(`${user}: nothing is there and it is counted as ${left.join(", ")}`);
    }
    const wanted = LIMITS[user];
    if (wanted === undefined) return;
    if (limit.bytes !== wanted.bytes || limit.files !== wanted.files) {
      await this.setLimit(user, wanted);
    }
  }

  async #connect(user: string): Promise<Client> {
    const { port, fingerprint } = this.#server;
    const keys = this.#keys.get(user);
    if (keys === undefined) throw new Error(`no user ${user}`);
    const { client } = await connect(
      { host: "127.0.0.1", port, fingerprint, name: "model" },
      "model",
    );
    await client.signIn(user, keys);
    return client;
  }

  async #nodeAt(path: string): Promise<Node> {
    const facts = await stat(path, { bigint: true });
    if (!facts.isFile()) return { kind: "directory" };
    const key = [facts.ino, facts.size, facts.mtimeNs, facts.ctimeNs].join(".");
    const sha256 = this.#sums.get(key) ?? sha256Hex(await readFile(path));
    this.#sums.set(key, sha256);
    const modifiedMs = Number(facts.mtimeMs);
    return { kind: "file", bytes: Number(facts.size), sha256, modifiedMs };
  }
}

/** Waits for work, but not for ever. */
export async function within<Value>(work: Promise<Value>, what: string): Promise<Value> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Difference(`${what} takes too long`)),
    ANSWER_MS_MAX,
  );
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** What comes of a call, refusals included. Anything else than a refusal goes through. */
export async function hear(
  what: string,
  work: Promise<{ facts?: string; resumedAt?: number }>,
): Promise<Heard> {
  try {
    const { facts = "", resumedAt = 0 } = await within(work, what);
    return { kind: "done", facts, resumedAt };
  } catch (error) {
    if (!(error instanceof FtpxError)) throw error;
    return { kind: error.kind, facts: factsOf(error), resumedAt: 0 };
  }
}

/** The line was lost before an answer came: nobody knows what was done. */
export function isUnheard({ kind }: Heard): boolean {
  return kind === "CONNECTION_LOST" || kind === "UNREACHABLE" || kind === "PEER_SILENT";
}

function factsOf({ kind, details }: FtpxError): string {
  const { neededBytes, freeBytes, limitBytes, needed, free, limit } = details;
  if (kind === "QUOTA_EXCEEDED") return `${neededBytes}/${freeBytes}/${limitBytes}`;
  return kind === "FILES_EXCEEDED" ? `${needed}/${free}/${limit}` : "";
}

async function startServer(scene: Scene): Promise<Server> {
  const server = await within(scene.serve(), "starting the server");
  await within(server.event("recounted"), "counting after the start");
  return server;
}

async function listing(client: Client, path: string): Promise<string> {
  try {
    const { entries, cursor } = await client.call("list", { path: parsePath(path), cursor: 0 });
    if (cursor !== 0) throw new Error("a listing of more than one page");
    return entries
      .map((entry) => lineOf(entry.name, entry))
      .toSorted()
      .join("; ");
  } catch (error) {
    if (error instanceof FtpxError) return error.kind;
    throw error;
  }
}

async function removeAll(client: Client): Promise<void> {
  const { entries } = await client.call("list", { path: parsePath(HOME), cursor: 0 });
  const removals = entries.map(({ name }) =>
    client.call("remove", { path: parsePath(`/${name}`), isRecursive: true }),
  );
  await Promise.all(removals);
}
