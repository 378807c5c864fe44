/**
 * The commands of the model-based campaign, and how each is run against the server and the
 * model. What is drawn how often says model-draws.ts; what runs side by side, or when the
 * server is killed, model-meetings.ts.
 *
 * After every one the user's quota and the listings of the directories it touched are
 * compared; after a crash all files of all users, content included.
 */
import type { AsyncCommand } from "fast-check";
import { textOfHeard } from "./model-belief.ts";
import type { Belief } from "./model-belief.ts";
import { cut, loseCommit, meet } from "./model-cuts.ts";
import type { CutPlan } from "./model-cuts.ts";
import { CONNECTIONS_EACH, USERS } from "./model-ground.ts";
import type { Ground, Place } from "./model-ground.ts";
import { lookAt, lookAtAll, relatedOperations, runCrash, runPair } from "./model-meetings.ts";
import { endings } from "./model-orders.ts";
import { choosePath, operationOf, wishOf } from "./model-tasks.ts";
import type { Task } from "./model-tasks.ts";
import type { Wish } from "./model-uploads.ts";
import { parentOf, reservedOf, subtract, textOfPart } from "./model-world.ts";
import type { Amount, World } from "./model-world.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** What an operator sets limits to: nothing at all, less than is there, more than enough. */
const NEW_LIMITS: readonly Amount[] = [
  { bytes: 0, files: 2 },
  { bytes: 100 * KIB, files: 3 },
  { bytes: MIB, files: 1 },
  { bytes: 600_000, files: 6 },
  { bytes: 9 * MIB, files: 10 },
  { bytes: 40 * MIB, files: 100 },
];

/** Counts of a whole run; what is not in it is not claimed. */
export interface Tally {
  operations: number;
  /** Between operations, by SIGKILL. */
  crashes: number;
  /** With operations under way. */
  crashesInside: number;
  /** Two operations at once. */
  pairs: number;
  /** Uploads that were stopped somewhere, met by another session, or lost their answer. */
  cuts: number;
  refusals: number;
  limits: number;
}

interface Drawn {
  readonly user: string;
  readonly connection: number;
}

type Draw<Kind extends string, Fields = object> = Drawn & { readonly kind: Kind } & Fields;

/** Where the second of two tasks has its path, so that they meet. */
export type Relation = "any" | "same" | "below" | "above";

/** When the server is killed: after so many milliseconds, or at a change somewhere. */
export interface Moment {
  readonly after: "milliseconds" | Place;
  readonly count: number;
}

/** So many bytes more than the source has, or exactly what is free and so many more. */
export interface Declared {
  readonly as: "source" | "free";
  readonly extraBytes: number;
}

export type Command =
  | Draw<"one", { task: Task }>
  | Draw<"pair", { tasks: readonly Task[]; relation: Relation; staggerMs: number }>
  | Draw<"cut", { task: Task; plan: CutPlan; declares: Declared }>
  | Draw<"meet", { task: Task; plan: CutPlan; tasks: readonly Task[]; relation: Relation }>
  | Draw<"lose", { task: Task; delayMs: number }>
  | Draw<"limit", { index: number }>
  | Draw<"look">
  | Draw<"crash", { how: "SIGKILL" | "SIGTERM" }>
  | Draw<"crash inside", { tasks: readonly Task[]; relation: Relation; moment: Moment }>;

export type CommandOf<Kind extends Command["kind"]> = Extract<Command, { kind: Kind }>;

/** One command of a sequence, for fast-check's model runner. */
export class Step implements AsyncCommand<Belief, Ground> {
  readonly #command: Command;
  readonly #tally: Tally;

  constructor(command: Command, tally: Tally) {
    this.#command = command;
    this.#tally = tally;
  }

  /** What is drawn always finds something to do. */
  check(): boolean {
    return true;
  }

  async run(belief: Belief, ground: Ground): Promise<void> {
    const command = { ...this.#command, user: userOf(this.#command, belief) };
    this.#tally.operations += "tasks" in command ? command.tasks.length : 1;
    belief.note(`${command.user}.${command.connection} ${command.kind}`);
    await runCommand(belief, ground, command, this.#tally);
    belief.demandCounted();
  }

  toString(): string {
    return JSON.stringify(this.#command);
  }
}

/** Who is to go on with an upload has one, if anybody has. */
function userOf(command: Command, belief: Belief): string {
  const tasks = "task" in command ? [command.task] : "tasks" in command ? command.tasks : [];
  const has = (user: string) => belief.someOf(user).parts.size > 0;
  if (!tasks.some(({ path }) => path.from === "part") || has(command.user)) return command.user;
  return USERS.find(has) ?? command.user;
}

async function runCommand(belief: Belief, ground: Ground, command: Command, tally: Tally) {
  switch (command.kind) {
    case "one":
      return await runOne(belief, ground, command, tally);
    case "pair":
      tally.pairs += 1;
      return await runPair(belief, ground, command);
    case "cut":
    case "meet":
    case "lose":
      tally.cuts += 1;
      return await runUpload(belief, ground, command);
    case "limit":
      return await runLimit(belief, ground, command, tally);
    case "look":
      return await lookAt(belief, ground, command.user);
    case "crash":
      tally.crashes += command.how === "SIGKILL" ? 1 : 0;
      await ground.restart(command.how);
      belief.crash();
      return await lookAtAll(belief, ground);
    case "crash inside":
      tally.crashesInside += 1;
      return await runCrash(belief, ground, command);
  }
}

async function runOne(belief: Belief, ground: Ground, command: CommandOf<"one">, tally: Tally) {
  const { user, connection, task } = command;
  const operation = operationOf(task, belief.someOf(user), ground);
  belief.note(`  ${operation.text}`);
  const heard = await operation.run(await ground.client(user, connection));
  belief.note(`  ${textOfHeard(heard)}`);
  tally.refusals += heard.kind === "done" ? 0 : 1;
  belief.hear(user, endings(belief.of(user), [operation.stage]), [heard]);
  belief.see(user, await ground.see(user, operation.touched));
}

async function runUpload(
  belief: Belief,
  ground: Ground,
  command: CommandOf<"cut" | "meet" | "lose">,
): Promise<void> {
  const { kind, user, connection, task } = command;
  const world = belief.someOf(user);
  const path = choosePath(task.path, world);
  const meant = wishOf(task, path, world, ground.sources);
  const wish = kind === "cut" ? declaring(meant, world, command.declares) : meant;
  const part = world.parts.get(path);
  const { source, declaredBytes, algorithm, isFresh } = wish;
  const manner = `${algorithm}${isFresh ? " fresh" : ""}`;
  belief.note(`  "${source.name}" (${declaredBytes}) to ${path} ${manner}`);
  if (part !== undefined) belief.note(`  held ${textOfPart(part)}`);
  const on = { belief, ground, user, client: await ground.client(user, connection) };
  if (kind === "cut") {
    belief.note(`  ${command.plan.ending}: ${await cut(on, wish, command.plan)}`);
  } else if (kind === "lose") {
    belief.note(`  ${await loseCommit(on, wish, command.delayMs)}`);
  } else {
    const second = await ground.client(user, (connection + 1) % CONNECTIONS_EACH);
    const [operation] = relatedOperations(belief, ground, command, path);
    if (operation !== undefined) await meet(on, second, wish, command.plan, operation);
  }
  belief.see(user, await ground.see(user, [parentOf(path)]));
}

function declaring(wish: Wish, world: World, { as, extraBytes }: Declared): Wish {
  const free = subtract(subtract(world.limit, world.used), reservedOf(world));
  const bytes = as === "free" ? free.bytes : wish.declaredBytes;
  return { ...wish, declaredBytes: Math.max(0, bytes + extraBytes) };
}

async function runLimit(belief: Belief, ground: Ground, command: CommandOf<"limit">, tally: Tally) {
  const { user, index } = command;
  const limit = NEW_LIMITS[index % NEW_LIMITS.length];
  const before = belief.someOf(user).limit;
  // What is not changed is not read again.
  if (limit === undefined) return;
  if (before.bytes === limit.bytes && before.files === limit.files) return;
  tally.limits += 1;
  belief.note(`  ${limit.bytes} bytes ${limit.files} files`);
  await ground.setLimit(user, limit);
  belief.change(user, (world) => ({ ...world, limit }));
  belief.see(user, await ground.see(user));
}
