/**
 * One run of `useradd` or `usermod` beside a running server, with one call of the command
 * going wrong: accounts.toml is the old or the new one and nothing between, a status of 0
 * is true, the command succeeds when it is given again, and the server follows.
 */
import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseAccounts } from "../support/accountstext.ts";
import { Scene, Server } from "../e2e/binary.ts";
import type { Ran } from "../e2e/binary.ts";
import { isKill, planOf } from "./calls-faults.ts";
import type { Site } from "./calls-faults.ts";
import { isTypedEnd } from "./calls-ground.ts";
import type { Workshop } from "./calls-scenarios.ts";
import { USER } from "./calls-script.ts";
import type { Outcome } from "./calls-server.ts";
import { KILLED_STATUS } from "./calls-tracer.ts";
import type { Traced, Tracer } from "./calls-tracer.ts";
import { violations } from "./invariant.ts";
import { Guest, PASSWORD } from "./rounds-peers.ts";

export type Command = "useradd" | "usermod";

const NEW_USER = "bob";
const QUOTA_BYTES = 2 ** 30;
const COMMAND_MS_MAX = 20_000;

export async function runCommand(
  { cleanData }: Workshop,
  tracer: Tracer,
  command: Command,
  site: Site | undefined,
): Promise<Outcome> {
  const scene = await Scene.begin();
  const run = new CommandRun(scene, tracer, command, site);
  try {
    await cp(cleanData, scene.data, { recursive: true });
    await run.play();
  } catch (error) {
    run.problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    await run.end();
    await scene.end();
  }
  return run.outcome;
}

class CommandRun {
  readonly problems: string[] = [];
  readonly #scene: Scene;
  readonly #tracer: Tracer;
  readonly #command: Command;
  readonly #site: Site | undefined;
  readonly #refusals: string[] = [];
  #serving: Traced | undefined;
  /** The command. */
  #traced: Traced | undefined;

  constructor(scene: Scene, tracer: Tracer, command: Command, site: Site | undefined) {
    this.#scene = scene;
    this.#tracer = tracer;
    this.#command = command;
    this.#site = site;
  }

  get outcome(): Outcome {
    const calls = this.#traced?.calls ?? [];
    return {
      isHit: this.#traced?.hit !== undefined,
      problems: this.problems,
      mended: undefined,
      refusals: this.#refusals,
      calls: calls.map((call) => ({ ...call, phase: "work" })),
    };
  }

  async play(): Promise<void> {
    const words = ["serve", "--json", "--listen", "127.0.0.1:0", "--data", this.#scene.data];
    this.#serving = this.#tracer.start(this.#scene, words);
    const server = await Server.open(this.#serving.child);
    const before = await this.#readAccounts();
    const first = await this.#runTraced();
    const after = await this.#readAccounts();
    this.#judge(first, before, after);
    if (first.status !== 0) await this.#runAgain(after === before);
    await this.#demandFollowed(server);
    await this.#demandInvariant();
    const status = await server.stop();
    if (status !== 0) this.problems.push(`the stop: status ${status}`);
  }

  async end(): Promise<void> {
    await this.#traced?.kill();
    await this.#serving?.kill();
  }

  get #words(): string[] {
    const { data } = this.#scene;
    return this.#command === "useradd"
      ? ["useradd", NEW_USER, "--password-stdin", "--data", data]
      : ["usermod", USER, "--quota", String(QUOTA_BYTES), "--data", data];
  }

  get #isKilling(): boolean {
    return this.#site !== undefined && isKill(this.#site.fault);
  }

  #readAccounts(): Promise<string> {
    return readFile(join(this.#scene.data, "accounts.toml"), "utf8");
  }

  async #runTraced(): Promise<Ran> {
    const plan = this.#site === undefined ? undefined : planOf(this.#site);
    this.#traced = this.#tracer.start(this.#scene, this.#words, plan, `${PASSWORD}\n`);
    const { child } = this.#traced;
    const timer = setTimeout(() => {
      this.problems.push("hangs");
      child.kill("SIGKILL");
    }, COMMAND_MS_MAX);
    try {
      return await this.#traced.ran();
    } finally {
      clearTimeout(timer);
    }
  }

  #judge({ status, stderr }: Ran, before: string, after: string): void {
    const hit = this.#traced?.hit;
    const isNew = isEdited(this.#command, after);
    if (!isNew && after !== before) this.problems.push(`accounts.toml is neither old nor new`);
    if (status === 0) {
      if (!isNew) this.problems.push("told that it is done, and accounts.toml says nothing of it");
      const isSync = hit !== undefined && /^f(?:data)?sync$/.test(hit.name);
      const isOfAccounts = hit?.place === "." || hit?.place.startsWith("accounts.toml") === true;
      if (isSync && isOfAccounts && !this.#isKilling)
        this.problems.push("a failed sync was not told");
      return;
    }
    this.#refusals.push(`status ${status}`);
    if (hit === undefined) this.problems.push(`status ${status}, and nothing had gone wrong`);
    if (this.#isKilling && status === KILLED_STATUS) return;
    if (!isTypedEnd(status, stderr)) this.problems.push(`status ${status}: ${stderr}`);
  }

  async #runAgain(isUndone: boolean): Promise<void> {
    const { status, stderr } = await this.#scene.run(this.#words, { stdin: `${PASSWORD}\n` });
    if (status === 0) return;
    const isDone = !isUndone && this.#command === "useradd" && stderr.includes("exists");
    if (!isDone) this.problems.push(`given again: ${status}: ${stderr}`);
  }

  async #demandFollowed(server: Server): Promise<void> {
    if (!isEdited(this.#command, await this.#readAccounts())) {
      this.problems.push("accounts.toml says nothing of it");
    }
    const isLate = Bun.sleep(COMMAND_MS_MAX).then(() => true);
    const isTaken = server.event("reload").then(() => false);
    if (await Promise.race([isLate, isTaken])) this.problems.push("the server does not follow");
    const guest = new Guest(this.#command === "useradd" ? NEW_USER : USER);
    const client = await guest.signIn(server);
    const { limitBytes } = await client.call("quota", {});
    client.close();
    if (this.#command === "usermod" && limitBytes !== QUOTA_BYTES) {
      this.problems.push(`the limit is ${limitBytes}`);
    }
  }

  /** A command that was killed leaves a temporary file, which --fix takes away. */
  async #demandInvariant(): Promise<void> {
    if (this.#isKilling) {
      await this.#scene.run(["check", "--fix", "--data", this.#scene.data]);
    }
    const found = await violations(this.#scene);
    if (found.length > 0) this.problems.push(found.join("; "));
  }
}

function isEdited(command: Command, text: string): boolean {
  try {
    const accounts = parseAccounts(text, "accounts.toml");
    const isThere = accounts.has(command === "useradd" ? NEW_USER : USER);
    const quotaBytes = accounts.get(USER)?.quotaBytes;
    return isThere && (command === "useradd" || quotaBytes === QUOTA_BYTES);
  } catch {
    return false;
  }
}
