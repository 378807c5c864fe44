/**
 * Puts the power back on: makes an image, starts the server on it, and compares what is
 * there with what was acknowledged before the power went.
 *
 * A step that was under way may have happened or not; what it does is all or nothing,
 * except that a recursive removal may have got anywhere. Nothing else may be there.
 */
import { Database } from "bun:sqlite";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isKind } from "../../src/base/errors.ts";
import { HOME } from "../../src/base/path.ts";
import { Scene } from "../e2e/binary.ts";
import type { Server } from "../e2e/binary.ts";
import { sha256Hex, violations } from "./invariant.ts";
import { materialize } from "./power-image.ts";
import type { Image } from "./power-image.ts";
import { Person } from "./power-person.ts";
import type { Step } from "./power-scenario.ts";
import { FOLDER, pathOf } from "./power-standing.ts";
import type { Facts, Sending, Standing } from "./power-standing.ts";

/** What was acknowledged, and the step that was under way. */
export interface Expected {
  readonly before: Standing;
  readonly step: Step | undefined;
}

export type FailureKind =
  | "start"
  | "identity"
  | "accounts"
  | "database"
  | "lost"
  | "foreign"
  | "invariant"
  | "resume";

export interface Failure {
  readonly kind: FailureKind;
  readonly what: string;
}

/** Far above what an image takes on a busy machine. */
const IMAGE_MS_MAX = 60_000;

export interface Verdict {
  /** Nothing when the promise held. */
  readonly failures: readonly Failure[];
  /** Of the unfinished uploads: those of which the server still held something. */
  readonly resumedCount: number;
  /** Those that had to be sent anew, because what the part held was damaged. */
  readonly damagedCount: number;
}

export async function judge(image: Image, expected: Expected): Promise<Verdict> {
  const scene = await Scene.begin();
  try {
    materialize(image, scene.folder);
    return await new Judge(scene, expected).verdict();
  } finally {
    await scene.end();
  }
}

class Judge {
  readonly #scene: Scene;
  readonly #before: Facts;
  readonly #after: Facts;
  readonly #step: Step | undefined;
  readonly #failures: Failure[] = [];
  #resumedCount = 0;
  #damagedCount = 0;

  constructor(scene: Scene, { before, step }: Expected) {
    this.#scene = scene;
    this.#before = before.facts;
    this.#after = (step?.after ?? before).facts;
    this.#step = step;
  }

  async verdict(): Promise<Verdict> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error("no end of it")), IMAGE_MS_MAX);
    try {
      await Promise.race([this.#run(), late.promise]);
    } catch (error) {
      this.#fail("start", String(error));
    } finally {
      clearTimeout(timer);
    }
    return {
      failures: this.#failures,
      resumedCount: this.#resumedCount,
      damagedCount: this.#damagedCount,
    };
  }

  async #run(): Promise<void> {
    this.#checkAccounts();
    this.#checkDatabase();
    const server = await this.#scene.serve();
    if (![undefined, server.fingerprint].includes(this.#before.fingerprint)) {
      this.#fail("identity", "the server has another key");
    }
    await server.event("recounted");
    this.#checkEntries();
    await this.#checkInvariant();
    await this.#goOn(server);
    const status = await server.stop();
    if (status !== 0) this.#fail("start", `the server ended with status ${status}`);
  }

  #checkAccounts(): void {
    const file = join(this.#scene.data, "accounts.toml");
    const text = existsSync(file) ? readFileSync(file, "utf8") : undefined;
    if ([this.#before.accounts, this.#after.accounts].includes(text)) return;
    const found = text === undefined ? "is gone" : `of ${text.length} characters`;
    this.#fail("accounts", `accounts.toml ${found} is no version that there was`);
  }

  /** On a copy: whoever opens it repairs it. */
  #checkDatabase(): void {
    const own = join(this.#scene.data, "storage", ".ftpx");
    const copy = this.#scene.path("copy");
    const names = existsSync(own) ? readdirSync(own) : [];
    mkdirSync(copy);
    for (const name of names.filter((one) => one.startsWith("state.sqlite"))) {
      copyFileSync(join(own, name), join(copy, name));
    }
    if (!names.includes("state.sqlite")) return;
    try {
      using database = new Database(join(copy, "state.sqlite"));
      const row = database.query<{ integrity_check: string }, []>("PRAGMA integrity_check").get();
      if (row?.integrity_check !== "ok") this.#fail("database", String(row?.integrity_check));
    } catch (error) {
      this.#fail("database", String(error));
    }
  }

  #checkEntries(): void {
    const found = new Map(entriesBelow(join(this.#scene.data, "storage"), ""));
    for (const [path, content] of this.#before.entries) {
      const to = this.#step?.moved?.(path) ?? path;
      const isAtEnd = found.get(path) === this.#after.entries.get(path);
      const isMoved = to === path || found.get(to) === content;
      if (found.get(path) === content || (this.#isChanging(path) && isAtEnd && isMoved)) continue;
      this.#fail("lost", `${path} ${found.has(path) ? "is other" : "is gone"}`);
    }
    for (const [path, content] of found) {
      const standings = [this.#before, this.#after];
      const isKnown = standings.some(
        ({ entries, ghosts }) =>
          entries.get(path) === content || ghosts.get(path)?.includes(content) === true,
      );
      // What is other than what must be there was told above.
      if (isKnown || this.#before.entries.has(path)) continue;
      this.#fail("foreign", `${path} was never there like that`);
    }
  }

  #isChanging(path: string): boolean {
    return this.#after.entries.get(path) !== this.#before.entries.get(path);
  }

  async #checkInvariant(): Promise<void> {
    for (const what of await violations(this.#scene)) this.#fail("invariant", what);
  }

  /** The clients come back: whoever has no answer sends again. */
  async #goOn(server: Server): Promise<void> {
    const sendings = new Map(this.#before.unfinished);
    const sending = this.#step?.sending;
    if (sending !== undefined) sendings.set(pathOf(sending), sending);
    for (const user of this.#before.users) {
      const person = new Person(server, user);
      try {
        await person.call("list", { path: HOME, cursor: 0 });
        for (const one of sendings.values()) if (one.user === user) await this.#send(person, one);
      } catch (error) {
        this.#fail("resume", `${user}: ${String(error)}`);
      } finally {
        person.close();
      }
    }
    if (sendings.size > 0) await this.#checkInvariant();
  }

  /** A part may hold blocks that were never synced; the digest finds it out, once. */
  async #send(person: Person, sending: Sending): Promise<void> {
    const { path, local, sha256 } = sending;
    try {
      if ((await person.put(local, path)) > 0) this.#resumedCount += 1;
    } catch (error) {
      if (!isKind(error, "DIGEST_MISMATCH")) throw error;
      this.#damagedCount += 1;
      await person.put(local, path);
    }
    const stored = readFileSync(join(this.#scene.data, "storage", pathOf(sending)));
    if (sha256Hex(stored) !== sha256) this.#fail("resume", `${path} is not what was sent`);
  }

  #fail(kind: FailureKind, what: string): void {
    this.#failures.push({ kind, what });
  }
}

/** What users see, by account and path. */
function* entriesBelow(folder: string, above: string): Generator<[path: string, content: string]> {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = above === "" ? entry.name : `${above}/${entry.name}`;
    const at = join(folder, entry.name);
    if (path === ".ftpx") continue;
    if (!entry.isDirectory()) yield [path, sha256Hex(readFileSync(at))];
    else {
      if (above !== "") yield [path, FOLDER];
      yield* entriesBelow(at, path);
    }
  }
}
