/**
 * The end of kills.ts: long uploads and downloads are cut when more than two chunks of them
 * were moved, half of them by the end of the client and half by the end of the server. Then
 * each goes on: some with the same content, some with another one that has the same first
 * chunk, and of that nothing but the first chunk may be kept.
 */
import { CHUNK_BYTES } from "../../src/base/limits.ts";
import type { Ground } from "./kills-ground.ts";
import type { Task } from "./kills-tasks.ts";
import type { Heard, Worker } from "./kills-worker.ts";

/** Two chunks and more: of another content the second one must not be kept. */
const HELD_BYTES_MIN = 2 * CHUNK_BYTES + 1024 * 1024;

const SLOWLY = ["--limit", "8M"];

interface Expected {
  readonly min: number;
  readonly max: number;
}

/** The paths of these workers have no writer besides, and nothing else is under way. */
export async function proveResume(ground: Ground, workers: readonly Worker[]): Promise<void> {
  const puts = workers.map(({ planner }) => {
    return planner.put(pathOf(planner), ground.longest[0], SLOWLY);
  });
  const cutPuts = await cut(ground, workers, puts);
  await Promise.all(cutPuts.map((one) => putOn(ground, one)));
  const gets = workers.map(({ planner }) => planner.get(pathOf(planner), SLOWLY));
  const cutGets = await cut(ground, workers, gets);
  await Promise.all(cutGets.map((one) => getOn(ground, one)));
}

/** A task in the middle of which the client or the server was killed. */
interface Cut {
  readonly worker: Worker;
  readonly task: Task;
  readonly index: number;
}

async function putOn(ground: Ground, { worker, task, index }: Cut): Promise<void> {
  const { planner } = worker;
  const [content, other] = ground.longest;
  if (index % 4 < 2) {
    // A server that is killed has not noted every chunk, but what it wrote is there.
    const min = isCutByServer(index) ? CHUNK_BYTES : 2 * CHUNK_BYTES;
    return await goOn(ground, worker, again(task), { min, max: content.bytes });
  }
  worker.leave(task);
  const min = isCutByServer(index) ? 0 : CHUNK_BYTES;
  await goOn(ground, worker, planner.put(pathOf(planner), other), { min, max: CHUNK_BYTES });
}

async function getOn(ground: Ground, { worker, task, index }: Cut): Promise<void> {
  const { planner, tree } = worker;
  const [content, other] = ground.longest;
  if (index % 4 === 1 || index % 4 === 2) {
    // Of a chunk without its digest everything but the last byte is taken.
    const expected = { min: CHUNK_BYTES - 1, max: content.bytes };
    return await goOn(ground, worker, again(task), expected);
  }
  const path = pathOf(planner);
  const isFirst = tree.contentOf(path) === content.content;
  await worker.demand(planner.put(path, isFirst ? other : content));
  await goOn(ground, worker, again(task), { min: 0, max: CHUNK_BYTES });
}

function pathOf({ root }: { readonly root: string }): string {
  return `${root}/long`;
}

function isCutByServer(index: number): boolean {
  return index % 2 === 1;
}

/** Without the limit. */
function again(task: Task): Task {
  return { ...task, options: [] };
}

/** All of them end, the server too, which is then started again. @returns those that were cut */
async function cut(
  ground: Ground,
  workers: readonly Worker[],
  tasks: readonly Task[],
): Promise<readonly Cut[]> {
  const held = workers.map(() => Promise.withResolvers<void>());
  const cuts: Cut[] = [];
  const runs = workers.map(async (worker, index) => {
    const task = tasks[index];
    if (task === undefined) return;
    const { status } = await worker.attempt(task, ({ event, bytes = 0 }) => {
      if (event !== "progress" || bytes < HELD_BYTES_MIN) return;
      held[index]?.resolve();
      if (!isCutByServer(index)) worker.kill();
    });
    // It may have come to its end before, or for another reason, which shows later.
    held[index]?.resolve();
    if (status !== 0) cuts.push({ worker, task, index });
  });
  await Promise.all(held.map(({ promise }) => promise));
  await ground.kill();
  for (const worker of workers) worker.kill();
  await Promise.all(runs);
  await ground.restart([]);
  await ground.demandOrder();
  return cuts;
}

async function goOn(
  { campaign }: Ground,
  worker: Worker,
  task: Task,
  { min, max }: Expected,
): Promise<void> {
  let resumedAt = -1;
  const hear = (heard: Heard) => (resumedAt = heard.resumedAt ?? resumedAt);
  await worker.demand(task, hear);
  if (resumedAt >= min && resumedAt <= max) return;
  const what = `${task.verb} ${task.paths.join(" ")}`;
  campaign.fail(`${what}: went on at ${resumedAt} instead of ${min} to ${max}`);
}
