/**
 * The steps of a scripted session: what is asked of the server through the client's own
 * code, and what lies in the home afterwards. The same steps make the same calls.
 *
 * A step throws FtpxError for a refusal, and any other error when the server lied.
 */
import { constants, readFileSync, writeFileSync } from "node:fs";
import { OpenFile } from "../../src/base/openfile.ts";
import { CHUNK_BYTES } from "../../src/base/limits.ts";
import { leafOf, parsePath } from "../../src/base/path.ts";
import type { Client } from "../../src/client/client.ts";
import { sourceOf } from "../../src/client/copy.ts";
import { sendFile } from "../../src/transfer/sender.ts";
import { SendWindow } from "../../src/transfer/window.ts";
import { CONTENT_PREFIX_BYTES } from "../../src/wire/frame.ts";
import { makeFile, sha256Of } from "../e2e/binary.ts";
import type { Scene, Server } from "../e2e/binary.ts";
import { DIRECTORY, withEntries, without } from "./calls-tree.ts";
import type { Tree } from "./calls-tree.ts";
import { sha256Hex } from "./invariant.ts";
import { getOnce, PASSWORD, putOnce } from "./rounds-peers.ts";

export const USER = "ann";

const KIB = 1024;

const LARGE_BYTES = 9 * KIB * KIB;

/** What is sent of a large file before the session leaves it: more than a chunk. */
export const HALF_BYTES = CHUNK_BYTES + 300 * KIB;

/** Several looks at accounts.toml, also on a machine that has much to do. */
const FOLLOW_MS_MAX = 6_000;

/** What a step works with. */
export interface Hands {
  readonly scene: Scene;
  readonly sources: Sources;
  readonly server: Server;
  readonly client: Client;
  /** A call has gone wrong: what was sent before may have to be sent again. */
  readonly wasHit: boolean;
}

export interface Step {
  readonly title: string;
  readonly run: (hands: Hands, tree: Tree) => Promise<void>;
  readonly after: (tree: Tree) => Tree;
  /** Cut off in the middle it may have done a part of its work. */
  readonly isManyChanges?: boolean;
  /** Done twice it is refused. */
  readonly isOnce?: boolean;
  /** It is the operator's, and nobody need be signed in. */
  readonly isLocal?: boolean;
}

export interface Source {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

export type Sources = Readonly<
  Record<"empty" | "small" | "other" | "middle" | "changed" | "large" | "tail" | "foreign", Source>
>;

/**
 * Small ones go out in one flight; `changed` has the size of `middle`; `large` has two
 * chunks, `tail` the first of them, and `foreign` none.
 */
export function makeSources(folder: string): Sources {
  const make = (name: string, bytes: number, seed: number): Source => {
    const path = `${folder}/${name}`;
    return { path, bytes, sha256: makeFile(path, bytes, seed) };
  };
  return {
    empty: make("empty", 0, 1),
    small: make("small", 3000, 2),
    other: make("other", 5000, 3),
    middle: make("middle", 700 * KIB, 4),
    changed: make("changed", 700 * KIB, 5),
    large: make("large", LARGE_BYTES, 6),
    tail: withOtherTail(make("tail", LARGE_BYTES, 6)),
    foreign: make("foreign", LARGE_BYTES, 7),
  };
}

function withOtherTail(source: Source): Source {
  const content = readFileSync(source.path);
  content.fill(0x5a, CHUNK_BYTES);
  writeFileSync(source.path, content);
  return { ...source, sha256: sha256Hex(content) };
}

type SourceName = keyof Sources;

const unchanged = (tree: Tree): Tree => tree;

export function makeDir(path: string): Step {
  return {
    title: `mkdir ${path}`,
    run: async ({ client }) => {
      await client.call("makeDir", { path: parsePath(path), withParents: false });
    },
    after: (tree) => withEntries(tree, { [path]: DIRECTORY }),
    isOnce: true,
  };
}

export function makeDirs(path: string): Step {
  const names = path.slice(1).split("/");
  const paths = names.map((_name, index) => `/${names.slice(0, index + 1).join("/")}`);
  return {
    title: `mkdir -p ${path}`,
    run: async ({ client }) => {
      await client.call("makeDir", { path: parsePath(path), withParents: true });
    },
    after: (tree) => withEntries(tree, Object.fromEntries(paths.map((one) => [one, DIRECTORY]))),
    isManyChanges: true,
  };
}

/** @param resumedAt where it goes on when nothing has gone wrong */
export function put(path: string, sources: Sources, name: SourceName, resumedAt?: number): Step {
  const source = sources[name];
  return {
    title: `put ${name} ${path}`,
    run: async ({ client, wasHit }) => {
      const copied = await putOnce(client, source.path, path);
      if (resumedAt === undefined || wasHit || copied.resumedAt === resumedAt) return;
      throw new Error(`went on at ${copied.resumedAt} and not at ${resumedAt}`);
    },
    after: (tree) => withEntries(tree, { [path]: source.sha256 }),
  };
}

/** Sends the first bytes of a file and leaves the upload to be gone on with. */
export function putHalf(path: string, { path: local }: Source, bytes: number): Step {
  return {
    title: `half of a put ${path}`,
    run: async ({ client }) => {
      const file = await OpenFile.open(local, constants.O_RDONLY);
      try {
        await sendHalf(client, file, path, bytes);
      } finally {
        await file.close();
      }
    },
    after: unchanged,
  };
}

async function sendHalf(
  client: Client,
  file: OpenFile,
  path: string,
  halfBytes: number,
): Promise<void> {
  const facts = await file.facts();
  let window: SendWindow | undefined;
  let failure: unknown;
  const request = {
    path: parsePath(path),
    totalBytes: facts.bytes,
    modifiedMs: facts.modifiedMs,
    source: sourceOf(facts),
    algorithm: "sha256",
    isFresh: true,
    mayReplace: true,
  } as const;
  const { id, reply } = client.start("openUpload", request, {
    notice: (_name, value) => window?.acknowledge((value as { offset: number }).offset),
    failed: (refusal) => {
      failure = refusal;
      window?.fail(refusal);
    },
  });
  const { windowBytes } = await reply;
  window = new SendWindow(windowBytes, 0);
  const target = {
    prefixBytes: CONTENT_PREFIX_BYTES,
    sendContent: (frame: Uint8Array, offset: number, bytes: number) =>
      client.sendContent(id, frame, offset, bytes),
    sendProof: (index: number, digest: Uint8Array) => client.notify(id, "proof", { index, digest }),
  };
  const algorithm = "sha256";
  const start = { file, algorithm, totalBytes: halfBytes, firstChunk: 0, fromOffset: 0 } as const;
  await sendFile({ ...start, window, target });
  await client.call("closeTransfer", { transfer: id, isDiscarded: false });
  client.forget(id);
  if (failure !== undefined) throw failure;
}

export function move(from: string, to: string): Step {
  return {
    title: `mv ${from} ${to}`,
    run: async ({ client }) => {
      await client.call("move", { from: parsePath(from), to: parsePath(to), mayReplace: true });
    },
    after: (tree) => {
      const moved = [...tree].filter(([path]) => path === from || path.startsWith(`${from}/`));
      const entries = moved.map(([path, what]) => [to + path.slice(from.length), what] as const);
      return withEntries(without(tree, from), Object.fromEntries(entries));
    },
    isOnce: true,
  };
}

export function copy(from: string, to: string): Step {
  return {
    title: `cp ${from} ${to}`,
    run: async ({ client }) => {
      const request = { from: parsePath(from), to: parsePath(to), mayReplace: true };
      await client.call("copy", request);
    },
    after: (tree) => withEntries(tree, { [to]: tree.get(from) ?? "nothing" }),
  };
}

export function get(path: string): Step {
  return {
    title: `get ${path}`,
    run: async ({ client, scene }, tree) => {
      const local = scene.path("got");
      await getOnce(client, path, local);
      if ((await sha256Of(local)) !== tree.get(path)) throw new Error(`${path}: other content`);
      const { digest } = await client.call("digest", {
        path: parsePath(path),
        algorithm: "sha256",
      });
      if (Buffer.from(digest).toString("hex") !== tree.get(path)) throw new Error("other digest");
    },
    after: unchanged,
  };
}

export function list(path: string): Step {
  return {
    title: `ls ${path}`,
    run: async ({ client }, tree) => {
      const { entries } = await client.call("list", { path: parsePath(path), cursor: 0 });
      const found = entries.map(({ name, kind }) => `${name} ${kind}`);
      const folder = path === "/" ? "" : path;
      const below = [...tree].filter(([one]) => one.slice(0, one.lastIndexOf("/")) === folder);
      const expected = below.map(
        ([one, what]) => `${leafOf(parsePath(one))} ${what === DIRECTORY ? DIRECTORY : "file"}`,
      );
      if (found.toSorted().join() === expected.toSorted().join()) return;
      throw new Error(`${path} holds ${expected.join()}, listed ${found.join()}`);
    },
    after: unchanged,
  };
}

export function remove(path: string): Step {
  return {
    title: `rm ${path}`,
    run: async ({ client }) => {
      await client.call("remove", { path: parsePath(path), isRecursive: false });
    },
    after: (tree) => without(tree, path),
    isOnce: true,
  };
}

export function removeDir(path: string): Step {
  return {
    title: `rmdir ${path}`,
    run: async ({ client }) => {
      await client.call("removeDir", { path: parsePath(path) });
    },
    after: (tree) => without(tree, path),
    isOnce: true,
  };
}

export function removeTree(path: string): Step {
  return {
    title: `rm -r ${path}`,
    run: async ({ client }) => {
      await client.call("remove", { path: parsePath(path), isRecursive: true });
    },
    after: (tree) => without(tree, path),
    isManyChanges: true,
    isOnce: true,
  };
}

/** The operator changes the account; the server must follow by itself. */
export function followEdit(quotaBytes: number): Step {
  return {
    title: `usermod --quota ${quotaBytes}`,
    run: async ({ scene, client }) => {
      const words = ["usermod", USER, "--quota", String(quotaBytes), "--data", scene.data];
      const { status, stderr } = await scene.run(words);
      if (status !== 0) throw new Error(`usermod: ${status} ${stderr}`);
      const deadlineMs = performance.now() + FOLLOW_MS_MAX;
      for (;;) {
        const { limitBytes } = await client.call("quota", {});
        if (limitBytes === quotaBytes) return;
        if (performance.now() > deadlineMs) throw new Error("the edit is not followed");
        await Bun.sleep(20);
      }
    },
    after: unchanged,
  };
}

/** The first account of a server, made while it runs. */
export function addAccount(): Step {
  return {
    title: "useradd",
    run: async ({ scene, server }) => {
      if (server.events.some(({ event }) => event === "reload")) return;
      const words = ["useradd", USER, "--password-stdin", "--data", scene.data];
      const { status, stderr } = await scene.run(words, { stdin: `${PASSWORD}\n` });
      if (status !== 0) throw new Error(`useradd: ${status} ${stderr}`);
      await followed(server);
    },
    after: unchanged,
    isLocal: true,
  };
}

/** @throws Error when the server does not take the accounts as they are in the file */
async function followed(server: Server): Promise<void> {
  const isLate = Bun.sleep(FOLLOW_MS_MAX).then(() => true);
  const isTaken = server.event("reload").then(() => false);
  if (await Promise.race([isLate, isTaken])) throw new Error("the edit is not followed");
}
