/**
 * The operations of the model-based campaign that stand for themselves: each as what it asks
 * of the server, and beside it as the stages that say what may come of it.
 *
 * A Task is what chance draws; it becomes an Operation when it is known what is there, so
 * paths and sources can be chosen that meet something. A new command of the server gets a row
 * in TASKS and its stages in model-stages.ts or model-uploads.ts.
 */
import { rm } from "node:fs/promises";
import { formatDigest, isAlgorithm } from "../../src/base/digest.ts";
import type { Algorithm } from "../../src/base/digest.ts";
import { FtpxError } from "../../src/base/errors.ts";
import { parsePath } from "../../src/base/path.ts";
import type { Client } from "../../src/client/client.ts";
import type { CopyJob, CopyMemory } from "../../src/client/copy.ts";
import { downloadOnce } from "../../src/client/get.ts";
import { uploadOnce } from "../../src/client/put.ts";
import { sha256Hex } from "./invariant.ts";
import { Difference, hear } from "./model-ground.ts";
import type { Ground, Heard } from "./model-ground.ts";
import type { Source, Sources } from "./model-sources.ts";
import * as stages from "./model-stages.ts";
import type { Stage } from "./model-stages.ts";
import { copy, drop, upload } from "./model-uploads.ts";
import type { Wish } from "./model-uploads.ts";
import { parentOf, refusedParent } from "./model-world.ts";
import type { World } from "./model-world.ts";

/** Few names, so that operations meet, and some of them both as file and as directory. */
export const PATHS = [
  "/a",
  "/b",
  "/d",
  "/e é",
  "/d/a",
  "/d/b",
  "/d/e",
  "/d/e/a",
  "/d/e/f",
  "/e é/a",
  "/e é/d",
  "/e é/d/a",
  "/a/b",
  "/",
] as const;

export interface PathPick {
  /** Out of the pool, those with a directory around them, what is there, unfinished uploads. */
  readonly from: "pool" | "room" | "there" | "part";
  readonly index: number;
}

export interface SourcePick {
  /** Kin is of the kind that is already at the path. */
  readonly size: "small" | "medium" | "large" | "kin";
  readonly index: number;
}

export interface Task {
  readonly kind: TaskKind;
  readonly path: PathPick;
  readonly other: PathPick;
  readonly source: SourcePick;
  readonly algorithm: string;
  readonly isFresh: boolean;
  readonly mayReplace: boolean;
}

export interface Operation {
  readonly text: string;
  readonly path: string;
  readonly stage: Stage;
  /** Directories whose listing may be another one afterwards. */
  readonly touched: readonly string[];
  run(client: Client): Promise<Heard>;
}

/** A drawn task with all its choices made. */
interface Chosen {
  readonly path: string;
  readonly other: string;
  readonly wish: Wish;
  readonly ground: Ground;
}

type Row = (chosen: Chosen) => {
  readonly stage: Stage;
  readonly ask: (client: Client) => Promise<{ facts?: string; resumedAt?: number }>;
};

const TASKS = {
  put: ({ wish }) => ({ stage: upload(wish), ask: (client) => put(client, wish, {}) }),
  get: ({ path, ground }) => ({
    stage: stages.download(path),
    ask: (client) => download(client, path, ground.scratch()),
  }),
  stat: ({ path }) => ({
    stage: stages.stat(path),
    ask: async (client) => {
      const { kind, bytes, modifiedMs } = await client.call("stat", { path: parsePath(path) });
      return { facts: kind === "file" ? `file ${bytes} ${modifiedMs}` : kind };
    },
  }),
  digest: ({ path }) => ({
    stage: stages.digest(path),
    ask: async (client) => {
      const request = { path: parsePath(path), algorithm: "sha256" } as const;
      const { digest, totalBytes } = await client.call("digest", request);
      return { facts: `${Buffer.from(digest).toString("hex")} ${totalBytes}` };
    },
  }),
  mkdir: ({ path }) => ({
    stage: stages.makeDir(path, false),
    ask: (client) => client.call("makeDir", { path: parsePath(path), withParents: false }),
  }),
  "mkdir -p": ({ path }) => ({
    stage: stages.makeDir(path, true),
    ask: (client) => client.call("makeDir", { path: parsePath(path), withParents: true }),
  }),
  rmdir: ({ path }) => ({
    stage: stages.removeDir(path),
    ask: (client) => client.call("removeDir", { path: parsePath(path) }),
  }),
  rm: ({ path }) => ({
    stage: stages.removeFile(path),
    ask: (client) => client.call("remove", { path: parsePath(path), isRecursive: false }),
  }),
  "rm -r": ({ path }) => ({
    stage: stages.removeTree(path),
    ask: (client) => client.call("remove", { path: parsePath(path), isRecursive: true }),
  }),
  mv: ({ path, other }) => ({
    stage: stages.move(path, other),
    ask: (client) =>
      client.call("move", { from: parsePath(path), to: parsePath(other), mayReplace: true }),
  }),
  cp: ({ path, other, wish, ground }) => ({
    stage: copy(path, other, wish.mayReplace, (sha256) => contentOf(ground.sources, sha256)),
    ask: async (client) => {
      const { mayReplace } = wish;
      const request = { from: parsePath(path), to: parsePath(other), mayReplace };
      const { totalBytes } = await client.call("copy", request);
      return { facts: `${totalBytes}` };
    },
  }),
  drop: ({ path }) => ({
    stage: drop(path),
    ask: (client) => client.call("dropUpload", { path: parsePath(path) }),
  }),
} as const satisfies Record<string, Row>;

export type TaskKind = keyof typeof TASKS;

/**
 * Makes the choices of a task, by what is there.
 *
 * @param at a path that it has to do with; what is moved or copied goes as often to it as from it
 */
export function operationOf(task: Task, world: World, ground: Ground, at?: string): Operation {
  const isTwofold = task.kind === "mv" || task.kind === "cp";
  const isTarget = at !== undefined && isTwofold && task.other.index % 2 === 0;
  const path = isTarget ? choosePath(task.path, world) : (at ?? choosePath(task.path, world));
  const other = isTarget ? at : choosePath(task.other, world);
  const wish = wishOf(task, path, world, ground.sources);
  const { stage, ask } = TASKS[task.kind]({ path, other, wish, ground });
  const text = textOf(task.kind, path, other, wish);
  const touched = [...new Set(isTwofold ? [path, other] : [path])].map(parentOf);
  return { text, path, stage, touched, run: (client) => hear(text, ask(client)) };
}

/** The upload that a task means; its source tells the truth about its size. */
export function wishOf(task: Task, path: string, world: World, sources: Sources): Wish {
  const source = chooseSource(task.source, path, world, sources);
  const { isFresh, mayReplace } = task;
  const declaredBytes = source.bytes;
  return { path, source, declaredBytes, algorithm: algorithmOf(task, source), isFresh, mayReplace };
}

export function choosePath({ from, index }: PathPick, { tree, parts }: World): string {
  const choices = {
    pool: PATHS,
    room: PATHS.filter((path) => refusedParent(tree, path) === undefined),
    there: [...tree.keys()].toSorted(),
    part: [...parts.keys()].toSorted(),
  };
  const paths = choices[from].length > 0 ? choices[from] : choices.room;
  return paths[index % paths.length] ?? "/";
}

/** One file to the server by the client's own code. */
export async function put(client: Client, wish: Wish, memory: CopyMemory) {
  const job = { ...jobOf(wish.source.local, wish.path), ...wish, memory };
  const { digest, resumedAt } = await uploadOnce(client, { ...job, path: parsePath(wish.path) });
  return { facts: formatDigest(digest), resumedAt };
}

async function download(client: Client, path: string, local: string) {
  try {
    await downloadOnce(client, jobOf(local, path), "model");
    return { facts: sha256Hex(await Bun.file(local).bytes()) };
  } finally {
    await rm(local, { force: true });
  }
}

function jobOf(local: string, path: string): CopyJob {
  return {
    local,
    path: parsePath(path),
    algorithm: "sha256",
    isFresh: true,
    mayReplace: true,
    pace: undefined,
    memory: {},
    signal: new AbortController().signal,
    onProgress: () => {},
  };
}

function chooseSource(pick: SourcePick, path: string, world: World, sources: Sources): Source {
  const groups = [sources.small, sources.medium, sources.large];
  const there = world.parts.get(path)?.content;
  const kin = there === undefined ? undefined : groups.find((group) => group.includes(there));
  const group = pick.size === "kin" ? (kin ?? sources.medium) : sources[pick.size];
  const source = group[pick.index % group.length];
  if (source === undefined) throw new Error("no sources");
  // The same one as often as another one of its kind.
  return pick.size === "kin" && there !== undefined && pick.index % 2 === 0 ? there : source;
}

function contentOf({ small, medium, large }: Sources, sha256: string): Source {
  const found = [...small, ...medium, ...large].find((source) => source.sha256 === sha256);
  if (found === undefined) throw new Error("a file that nobody has put");
  return found;
}

function algorithmOf(task: Task, { proofs }: Source): Algorithm {
  const { algorithm } = task;
  return isAlgorithm(algorithm) && proofs.has(algorithm) ? algorithm : "sha256";
}

function textOf(kind: TaskKind, path: string, other: string, wish: Wish): string {
  const { source, algorithm, isFresh, mayReplace } = wish;
  const clobber = mayReplace ? "" : " no-clobber";
  if (kind === "mv") return `mv ${path} ${other}`;
  if (kind === "cp") return `cp ${path} ${other}${clobber}`;
  if (kind !== "put") return `${kind} ${path}`;
  const manner = `${isFresh ? " fresh" : ""}${clobber}`;
  return `put "${source.name}" ${path} ${algorithm}${manner}`;
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof Difference) return error.message;
  if (error instanceof FtpxError) return `${error.kind} ${JSON.stringify(error.details)}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
