/**
 * Operations that meet: two of one user at once, on two connections, and operations that are
 * under way when the server is killed.
 *
 * Of two at once every order of their steps is accepted. Of a kill every step may have been
 * the last; the files that are found say which one it was. What a client heard before it
 * counts: an acknowledged operation has happened.
 */
import { textOfHeard } from "./model-belief.ts";
import type { Belief } from "./model-belief.ts";
import type { CommandOf, Relation } from "./model-commands.ts";
import { CONNECTIONS_EACH, isUnheard, USERS } from "./model-ground.ts";
import type { Ground, Heard } from "./model-ground.ts";
import { endings, explore } from "./model-orders.ts";
import { operationOf, PATHS } from "./model-tasks.ts";
import type { Operation } from "./model-tasks.ts";
import { crash, isWithin, parentOf } from "./model-world.ts";

type Meeting = CommandOf<"pair" | "crash inside">;

export async function runPair(
  belief: Belief,
  ground: Ground,
  command: CommandOf<"pair">,
): Promise<void> {
  const { user, staggerMs } = command;
  const operations = operationsOf(belief, ground, command);
  const { ended } = await begin(ground, command, operations, staggerMs);
  const heard = await ended;
  belief.note(`  ${heard.map(textOfHeard).join(" & ")}`);
  const stages = operations.map(({ stage }) => stage);
  belief.hear(user, endings(belief.of(user), stages), heard);
  const touched = operations.flatMap((operation) => operation.touched);
  belief.see(user, await ground.see(user, touched));
}

export async function runCrash(
  belief: Belief,
  ground: Ground,
  command: CommandOf<"crash inside">,
): Promise<void> {
  const { user, moment } = command;
  const operations = operationsOf(belief, ground, command);
  const { after, count } = moment;
  const watching = ground.watch(user, after === "milliseconds" ? "home" : after, count);
  try {
    const { ended } = await begin(ground, command, operations, 0);
    if (after === "milliseconds") await Bun.sleep(count);
    else await Promise.race([watching.reached, ended]);
    await ground.restart("SIGKILL");
    const heard = await ended;
    belief.note(`  ${heard.map((one) => (isUnheard(one) ? "?" : textOfHeard(one))).join(" & ")}`);
    const stages = operations.map(({ stage }) => stage);
    const possible = explore(belief.of(user), stages);
    belief.crash();
    const left = possible.map(({ world, results }) => ({ world: crash(world), results }));
    belief.hear(user, left, heard);
  } finally {
    watching.stop();
  }
  await lookAtAll(belief, ground);
}

/** All files of all users, and what is counted for them. */
export async function lookAtAll(belief: Belief, ground: Ground): Promise<void> {
  for (const user of USERS) await lookAt(belief, ground, user);
}

export async function lookAt(belief: Belief, ground: Ground, user: string): Promise<void> {
  belief.find(user, await ground.treeOf(user));
  const directories = new Set(["/", ...[...belief.someOf(user).tree.keys()].map(parentOf)]);
  belief.see(user, await ground.see(user, [...directories]));
}

/** One or two tasks with their choices made; the second is related to the first. */
function operationsOf(belief: Belief, ground: Ground, command: Meeting): Operation[] {
  const { user, tasks } = command;
  const world = belief.someOf(user);
  const first = tasks.slice(0, 1).map((task) => operationOf(task, world, ground));
  const rest = { ...command, tasks: tasks.slice(1) };
  const second = relatedOperations(belief, ground, rest, first[0]?.path ?? "/");
  const operations = [...first, ...second];
  belief.note(`  ${operations.map(({ text }) => text).join(" & ")}`);
  return operations;
}

/** Tasks with their choices made, at paths that have to do with another one. */
export function relatedOperations(
  belief: Belief,
  ground: Ground,
  { user, tasks, relation }: CommandOf<"pair" | "meet" | "crash inside">,
  path: string,
): Operation[] {
  const related = relatedTo(path, relation);
  const world = belief.someOf(user);
  return tasks.map((task) =>
    operationOf(task, world, ground, related[task.path.index % related.length]),
  );
}

function relatedTo(path: string, relation: Relation): readonly string[] {
  if (relation === "same") return [path];
  if (relation === "above") return [parentOf(path)];
  return relation === "below" ? PATHS.filter((other) => isWithin(path, other)) : [];
}

/** On connections that are open already, or they would not meet. */
async function begin(
  ground: Ground,
  { user, connection }: Meeting,
  operations: readonly Operation[],
  staggerMs: number,
): Promise<{ ended: Promise<Heard[]> }> {
  const opening = operations.map((_operation, index) =>
    ground.client(user, (connection + index) % CONNECTIONS_EACH),
  );
  const clients = await Promise.all(opening);
  const running: Promise<Heard>[] = [];
  for (const [index, client] of clients.entries()) {
    if (index > 0 && staggerMs > 0) await Bun.sleep(staggerMs);
    const operation = operations[index];
    if (operation !== undefined) running.push(operation.run(client));
  }
  return { ended: Promise.all(running) };
}
