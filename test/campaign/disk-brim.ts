/**
 * F5, F6 and Q2: every operation on a disk that is full to the last byte, which is filled
 * again before each of them.
 *
 * What only reads works. What changes something is done whole, or is refused with DISK_FULL
 * and has changed nothing. A removal works: it is the way out.
 */
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parsePath } from "../../src/base/path.ts";
import type { Client } from "../../src/client/client.ts";
import type { Ballast } from "./disk-ballast.ts";
import type { Ground } from "./disk-storm.ts";
import { sha256Hex } from "./invariant.ts";
import { getOnce, kindOf, putOnce } from "./rounds-peers.ts";

const KIB = 1024;

/** The last one where it is done, and the database had no room left to be told. */
const OUTCOMES = ["done", "DISK_FULL", "OUTCOME_UNKNOWN"];

/** What `prepare` puts, with its bytes. */
const FILES: readonly (readonly [file: string, bytes: number])[] = [
  ["small", 200 * KIB],
  ["large", 1200 * KIB],
  ["moving", 10 * KIB],
  ["over", 10 * KIB],
  ["under", 20 * KIB],
  ["nothing", 0],
  ["removed", 100 * KIB],
  ["tree/x", 30 * KIB],
  ["tree/a/y", 5 * KIB],
];

/** What is put on the full disk, with its bytes: some new, some over what `prepare` has put. */
const PUTS: readonly (readonly [file: string, bytes: number])[] = [
  ["new-empty", 0],
  ["new-byte", 1],
  ["new-small", 100 * KIB],
  ["new-large", 3000 * KIB],
  ["small", 50 * KIB],
  ["large", 0],
];

/** Where `mv` and `cp` bring them. */
const MOVED: Readonly<Record<string, string>> = {
  moving: "moved",
  over: "under",
  under: "copied",
};

interface Step {
  readonly name: string;
  /** Reading and removing must work; the rest may be refused. */
  readonly isNeeded: boolean;
  run(client: Client): Promise<unknown>;
  /** Whether what it was to do is done. */
  isDone?(): boolean;
}

function remove(client: Client, path: string, isRecursive: boolean): Promise<unknown> {
  return client.call("remove", { path: parsePath(path), isRecursive });
}

function list(client: Client, path: string): Promise<unknown> {
  return client.call("list", { path: parsePath(path), cursor: 0 });
}

export class Brim {
  readonly counts = { steps: 0, stepsRefused: 0 };
  readonly #ground: Ground;
  readonly #ballast: Ballast;

  constructor(ground: Ground, ballast: Ballast) {
    this.#ground = ground;
    this.#ballast = ballast;
  }

  /** What the steps work on; made while there is room. */
  async prepare(name: string): Promise<void> {
    const { guest, server } = this.#ground;
    const client = await guest.signIn(server);
    const makeDir = (path: string) =>
      client.call("makeDir", { path: parsePath(path), withParents: false });
    await makeDir(`/${name}`);
    for (const folder of ["empty", "tree", "tree/a"]) await makeDir(`/${name}/${folder}`);
    for (const [file, bytes] of FILES) {
      const path = `/${name}/${file}`;
      const local = await this.#source(path, bytes, 1);
      const moved = MOVED[file];
      if (moved !== undefined) await this.#allow(`/${name}/${moved}`, local);
      await putOnce(client, local, path);
    }
    client.close();
  }

  /** All of them, each on a full disk. @param name of what was prepared */
  async run(name: string): Promise<void> {
    const { guest, server, campaign } = this.#ground;
    const client = await guest.signIn(server);
    for (const step of await this.#steps(name)) {
      this.#ballast.brim();
      const kind = await kindOf(step.run(client));
      const isDone = step.isDone?.() ?? kind === "done";
      const what = `full disk: ${step.name}`;
      this.counts.steps += 1;
      if (kind !== "done") this.counts.stepsRefused += 1;
      if (!OUTCOMES.includes(kind)) campaign.fail(`${what}: ${kind}`);
      if (kind !== "done" && step.isNeeded) campaign.fail(`${what}: refused: ${kind}`);
      if (kind !== "OUTCOME_UNKNOWN" && isDone !== (kind === "done")) {
        campaign.fail(`${what}: ${kind}, but it is ${isDone ? "" : "not "}done`);
      }
    }
    client.close();
  }

  async #steps(name: string): Promise<Step[]> {
    const at = (path: string) => `/${name}/${path}`;
    const puts: Step[] = [];
    for (const [file, bytes] of PUTS) puts.push(await this.#putStep(at(file), bytes));
    return [...this.#readings(name), ...puts, ...this.#changes(at), ...this.#removals(at)];
  }

  #readings(name: string): Step[] {
    const got = this.#ground.scene.path("full-got");
    return [
      { name: "sign-in", isNeeded: true, run: () => this.#signIn() },
      { name: "ls", isNeeded: true, run: (client) => list(client, `/${name}`) },
      { name: "quota", isNeeded: true, run: (client) => client.call("quota", {}) },
      { name: "get", isNeeded: true, run: (client) => getOnce(client, `/${name}/large`, got) },
    ];
  }

  #changes(at: (path: string) => string): Step[] {
    const has = (path: string) => existsSync(this.#placeOf(at(path)));
    const path = (name: string) => parsePath(at(name));
    const move = (client: Client, from: string, to: string) =>
      client.call("move", { from: path(from), to: path(to), mayReplace: true });
    return [
      {
        name: "cp",
        isNeeded: false,
        run: (client) =>
          client.call("copy", { from: path("under"), to: path("copied"), mayReplace: true }),
        isDone: () => has("copied"),
      },
      {
        name: "mkdir",
        isNeeded: false,
        run: (client) => client.call("makeDir", { path: path("made"), withParents: false }),
        isDone: () => has("made"),
      },
      {
        name: "mv",
        isNeeded: false,
        run: (client) => move(client, "moving", "moved"),
        isDone: () => has("moved") && !has("moving"),
      },
      {
        name: "mv over a file",
        isNeeded: false,
        run: (client) => move(client, "over", "under"),
        isDone: () => !has("over"),
      },
    ];
  }

  #removals(at: (path: string) => string): Step[] {
    const removal = (
      name: string,
      path: string,
      run: (client: Client, path: string) => Promise<unknown>,
    ): Step => ({
      name,
      isNeeded: true,
      run: (client) => run(client, at(path)),
      isDone: () => !existsSync(this.#placeOf(at(path))),
    });
    return [
      removal("rmdir", "empty", (client, path) =>
        client.call("removeDir", { path: parsePath(path) }),
      ),
      removal("rm of an empty file", "nothing", (client, path) => remove(client, path, false)),
      removal("rm", "removed", (client, path) => remove(client, path, false)),
      removal("rm -r", "tree", (client, path) => remove(client, path, true)),
    ];
  }

  async #putStep(path: string, bytes: number): Promise<Step> {
    const place = this.#placeOf(path);
    const local = await this.#source(path, bytes, 2);
    const sha256 = sha256Hex(await Bun.file(local).bytes());
    return {
      name: `put of ${bytes} bytes${existsSync(place) ? " over a file" : ""}`,
      isNeeded: false,
      run: (client) => putOnce(client, local, path),
      isDone: () => existsSync(place) && sha256Hex(readFileSync(place)) === sha256,
    };
  }

  /** A local file to put at a path, which may be seen there from now on. */
  async #source(path: string, bytes: number, version: number): Promise<string> {
    const { scene, chance, watcher } = this.#ground;
    const local = scene.path(`full-${path.slice(1).replaceAll("/", "-")}-${version}`);
    const content = chance.bytes(bytes);
    await writeFile(local, content);
    watcher.allow(this.#placeOf(path), sha256Hex(content));
    return local;
  }

  async #allow(path: string, local: string): Promise<void> {
    const sha256 = sha256Hex(await Bun.file(local).bytes());
    this.#ground.watcher.allow(this.#placeOf(path), sha256);
  }

  async #signIn(): Promise<void> {
    const { guest, server } = this.#ground;
    const client = await guest.signIn(server);
    client.close();
  }

  #placeOf(path: string): string {
    return join(this.#ground.scene.data, "storage", this.#ground.guest.user, path);
  }
}
