/**
 * One run of a scenario with a server of which one call goes wrong: every step is either
 * done or refused with a typed error, the home is as before the step or as after it, the
 * step succeeds when it is asked for again, INV holds, and another start finds all in order.
 *
 * What does not hold becomes a line of `problems`. A run in which only a restart mended
 * what a failed call had left is no failure; it is told in `mended`.
 */
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { FtpxError, isKind } from "../../src/base/errors.ts";
import { RECOUNT_AGAIN_MS } from "../../src/base/limits.ts";
import { HOME } from "../../src/base/path.ts";
import { Scene } from "../e2e/binary.ts";
import { isLasting } from "./calls-faults.ts";
import type { Site } from "./calls-faults.ts";
import { Ground } from "./calls-ground.ts";
import type { Phase, Scenario, Workshop } from "./calls-scenarios.ts";
import { USER } from "./calls-script.ts";
import type { Hands, Step } from "./calls-script.ts";
import type { Call, Tracer } from "./calls-tracer.ts";
import { describeDifference, isBetween, isSameTree, readTree } from "./calls-tree.ts";
import type { Tree } from "./calls-tree.ts";
import { plantCanary, violations } from "./invariant.ts";

export interface Outcome {
  /** The call was made, and went wrong. */
  readonly isHit: boolean;
  readonly problems: readonly string[];
  /** What a restart mended, which the running server had not. */
  readonly mended: string | undefined;
  /** Kinds of errors, and statuses, that somebody was told. */
  readonly refusals: readonly string[];
  readonly calls: readonly (Call & { readonly phase: Phase })[];
}

/** No fault of a disk excuses these. */
const NEVER_TOLD = new Set(["INTERNAL", "BAD_FRAME", "BAD_BODY", "BAD_STATE", "NOT_SIGNED_IN"]);

const OF_NOBODY = ["leftover", "orphan-part"];

/** A home that could not be counted is counted again within this time. */
const MENDED_MS_MAX = RECOUNT_AGAIN_MS + 2_000;

/** What would make a part of use whose sync failed; a write that was under way is none. */
const USES = new Set(["openat", "fsync", "fdatasync", "rename", "renameat2", "link"]);

/** @param site undefined for a run in which nothing goes wrong */
export async function runScenario(
  { sources }: Workshop,
  tracer: Tracer,
  scenario: Scenario,
  site: Site | undefined,
): Promise<Outcome> {
  const scene = await Scene.begin();
  const ground = new Ground(scene, tracer, site);
  const run = new ServerRun(ground, sources, scenario, site);
  try {
    await cp(scenario.data, scene.data, { recursive: true });
    await run.play();
  } catch (error) {
    ground.complain(describe(error));
  } finally {
    await ground.end();
    await scene.end();
  }
  const { isHit, problems, refusals, calls } = ground;
  return { isHit, problems, refusals, calls, mended: run.mended };
}

class ServerRun {
  mended: string | undefined;
  readonly #ground: Ground;
  readonly #sources: Workshop["sources"];
  readonly #scenario: Scenario;
  readonly #isLasting: boolean;
  #tree: Tree;
  /** A step, or a check, was refused. */
  #isTold = false;

  constructor(
    ground: Ground,
    sources: Workshop["sources"],
    scenario: Scenario,
    site: Site | undefined,
  ) {
    this.#ground = ground;
    this.#sources = sources;
    this.#scenario = scenario;
    this.#isLasting = site !== undefined && isLasting(site.fault);
    this.#tree = scenario.tree;
  }

  async play(): Promise<void> {
    const ground = this.#ground;
    const isCanaryThere = await plantCanary(ground.scene);
    await ground.begin();
    this.#demandTree("after the start", this.#tree);
    for (const step of this.#scenario.steps) await this.#take(step);
    await this.#demandInvariant("after the steps");
    if (ground.isHit && ground.isTraced) {
      for (const step of this.#scenario.stepsAgain) await this.#take(step);
      await this.#demandInvariant("after the steps in other paths");
    }
    await ground.demandClosed();
    await ground.restart();
    this.#demandTree("after another start", this.#tree);
    const found = await this.#check();
    if (found.length > 0) ground.complain(`after another start: ${found.join("; ")}`);
    await ground.stop();
    this.#demandSyncs();
    if (!(await isCanaryThere())) ground.complain("the canary was changed");
  }

  /** Until it is done: at once, or the second time, or after a restart. */
  async #take(step: Step): Promise<void> {
    const ground = this.#ground;
    const before = this.#tree;
    const after = step.after(before);
    const refusal = await this.#attempt(step);
    if (refusal === undefined) {
      this.#demandTree(`told that it is done: ${step.title}`, after);
      this.#demandNoDefect(step);
      return;
    }
    this.#judge(step, refusal);
    if (ground.isServerDead) await ground.startAfterKill();
    this.#demandBetween(step, before, after);
    if (!(refusal instanceof FtpxError)) return;
    if (this.#isLasting) await this.#makeRoom(step);
    await this.#demandInvariant(`refused: ${step.title}`);
    if (step.isOnce === true && isSameTree(this.#tree, after)) return;
    let again = await this.#attempt(step);
    // The server has dropped what it could not trust, and a client goes on by itself after that.
    if (isKind(again, "CHUNK_DAMAGED")) again = await this.#attempt(step);
    if (again !== undefined) await this.#takeAfterRestart(step, again);
    this.#demandTree(`the second time: ${step.title}`, after);
  }

  /** @returns why it was not done */
  async #attempt(step: Step): Promise<unknown> {
    try {
      await this.#ground.within(this.#run(step), step.title);
      return undefined;
    } catch (error) {
      return error;
    }
  }

  async #run(step: Step): Promise<void> {
    const { scene, server, isHit: wasHit } = this.#ground;
    // Whoever needs no client does not look at it.
    const client = step.isLocal === true ? undefined : await this.#ground.signedIn();
    const hands = { scene, sources: this.#sources, server, client, wasHit } as Hands;
    await step.run(hands, this.#tree);
  }

  #judge(step: Step, refusal: unknown): void {
    const ground = this.#ground;
    const text = `${step.title}: ${describe(refusal)}`;
    this.#isTold = true;
    if (!(refusal instanceof FtpxError)) {
      // Commands of the operator only have a status.
      if (!(ground.isServerDead && step.isLocal === true)) ground.complain(text);
      return;
    }
    ground.refusals.push(refusal.kind);
    if (!ground.isHit) ground.complain(`${text}, and nothing had gone wrong`);
    if (ground.isServerDead) return;
    const isOfConnection = refusal.row.ends === "connection";
    if (NEVER_TOLD.has(refusal.kind) || isOfConnection) ground.complain(text);
    this.#demandNoDefect(step);
  }

  #demandNoDefect({ title }: Step): void {
    const defect = this.#ground.server.events.find(({ event }) => event === "defect");
    if (defect !== undefined) this.#ground.complain(`${title}: ${JSON.stringify(defect)}`);
  }

  /** A disk that is full lets everybody read; then it is full no more. */
  async #makeRoom({ title }: Step): Promise<void> {
    const { client } = this.#ground;
    if (client !== undefined) {
      try {
        await this.#ground.within(client.call("list", { path: HOME, cursor: 0 }), "ls");
      } catch (error) {
        this.#ground.complain(`${title}: no ls on a full disk: ${describe(error)}`);
      }
    }
    this.#ground.lift();
  }

  /** The running server cannot do it: does the next one? */
  async #takeAfterRestart(step: Step, refusal: unknown): Promise<void> {
    await this.#ground.restart();
    const third = await this.#attempt(step);
    const then = third === undefined ? "it is done" : describe(third);
    this.#ground.complain(
      `${step.title}: refused again: ${describe(refusal)}; after a restart: ${then}`,
    );
  }

  #demandTree(when: string, expected: Tree): void {
    this.#tree = this.#readTree();
    if (isSameTree(this.#tree, expected)) return;
    this.#ground.complain(`${when}: ${describeDifference(this.#tree, expected)}`);
  }

  #demandBetween(step: Step, before: Tree, after: Tree): void {
    const found = this.#readTree();
    this.#tree = found;
    if (isSameTree(found, before) || isSameTree(found, after)) return;
    if (step.isManyChanges === true && isBetween(found, before, after)) return;
    this.#ground.complain(`refused: ${step.title}: ${describeDifference(found, before)}`);
  }

  #readTree(): Tree {
    return readTree(join(this.#ground.scene.data, "storage", USER));
  }

  async #demandInvariant(when: string): Promise<void> {
    const ground = this.#ground;
    if (ground.isServerDead) await ground.startAfterKill();
    const wasHit = ground.isHit;
    // What was refused, or was not, is told; whether it is made up can be seen with room only.
    if (wasHit) ground.lift();
    let found = await this.#check();
    if (!wasHit && ground.isHit) {
      // The check itself is what the fault has hit.
      this.#isTold = true;
      ground.lift();
      if (ground.isServerDead) await ground.startAfterKill();
      found = await this.#check();
    }
    const deadlineMs = performance.now() + MENDED_MS_MAX;
    while (found.length > 0 && ground.isHit && ground.isTraced && performance.now() < deadlineMs) {
      await Bun.sleep(300);
      found = await this.#check();
    }
    if (found.length === 0) return;
    await ground.restart();
    const left = await this.#check();
    const text = `${when}: ${found.join("; ")}; after a restart: ${left.join("; ")}`;
    // Content of nobody takes room on the disk and none of anybody's quota; what a full disk
    // keeps from being forgotten keeps its room until the next upload there, or the next start.
    const excused = this.#isLasting ? [...OF_NOBODY, "missing-part"] : OF_NOBODY;
    const isExcused = found.every((one) =>
      excused.some((kind) => one.includes(`"kind":"${kind}"`)),
    );
    if (isExcused && left.length === 0) this.mended ??= text;
    else ground.complain(text);
  }

  #check(): Promise<string[]> {
    return this.#ground.within(violations(this.#ground.scene), "check");
  }

  /** A directory's sync that failed was told; a part whose sync failed is not used again (F8). */
  #demandSyncs(): void {
    const ground = this.#ground;
    const { calls } = ground;
    const index = calls.findIndex(({ isHit }) => isHit);
    const hit = calls[index];
    if (hit === undefined || ground.isKilling || !/^f(?:data)?sync$/.test(hit.name)) return;
    const isOfHome = hit.place.startsWith(`storage/${USER}`);
    // A start that is refused is told by its status.
    const isTold = this.#isTold || ground.refusals.length > 0;
    if (isOfHome && !isTold) ground.complain("a failed sync was not told to anybody");
    if (!hit.place.startsWith("storage/.ftpx/parts/")) return;
    const later = calls.slice(index + 1);
    const used = later.find(({ name, path }) => path === hit.path && USES.has(name));
    if (used !== undefined) ground.complain(`F8: ${used.name} of a part whose sync failed`);
  }
}

function describe(error: unknown): string {
  if (error instanceof FtpxError) return `${error.kind} ${JSON.stringify(error.details)}`;
  return error instanceof Error ? error.message : String(error);
}
