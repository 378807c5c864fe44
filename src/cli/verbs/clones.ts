/**
 * `cp`: copies on the server, files and with `-r` whole directories, without sending them.
 *
 * The wire copies one file. A directory is walked here, its directories are made and its
 * files are copied one by one, each charged, proved and published whole: so a large tree
 * shows how far it is, ends with Ctrl-C or goes on over another connection, and what fails
 * has its own line and keeps nothing else from being copied. All is found before anything is
 * made, so a copy that comes to lie in its own source is no part of what is copied.
 */
import { FtpxError, isKind, withHint } from "../../base/errors.ts";
import { childPath, isWithin, resolvePath } from "../../base/path.ts";
import type { VirtualPath } from "../../base/path.ts";
import type { Client, RequestOf } from "../../client/client.ts";
import { byPath, levelsOf, parentOf } from "../../client/foliage.ts";
import type { TreeEntry } from "../../client/foliage.ts";
import { safeLeaf } from "../../client/leaf.ts";
import { ASKED_AT_ONCE, workThrough } from "../../client/queue.ts";
import { unlessAborted } from "../../client/remote.ts";
import { makeRemoteDirectory, walkRemote } from "../../client/remotetree.ts";
import { counting, scanning } from "../scanning.ts";
import { tellSummary } from "../summary.ts";
import { worstStatus } from "../status.ts";
import { forEachPair, tell } from "./edits.ts";
import { inLanes, workInLanes } from "./parallel.ts";
import { Tally } from "./tally.ts";
import { blaming, failureAt } from "./failing.ts";
import { HINT_RECURSIVE, NO_CLOBBER_OPTION, REMOTE_PATHS, verb } from "./verb.ts";
import type { Stage } from "./verb.ts";

export const CP = verb({
  name: "cp",
  about: "Copies files on the server, without sending them",
  options: {
    recursive: { flags: "-r, --recursive", about: "directories too, with all they hold" },
    noClobber: NO_CLOBBER_OPTION,
  },
  shell: {
    usage: "SOURCE… DEST",
    words: [2, Infinity],
    examples: ["cp plan.txt plan.old", "cp a.iso b.iso backup", "cp -r photos photos.old"],
  },
  oneShot: {
    usage: "TARGET/SOURCE… TARGET/DEST",
    words: [2, Infinity],
    examples: [
      "ftpx cp ann@files.example.org/plan.txt /plan.old",
      "ftpx cp -r ann@files.example.org/photos /backup",
    ],
  },
  ...REMOTE_PATHS,
  run: async (stage, words, { recursive, noClobber }) => {
    const mayReplace = noClobber !== true;
    const isTree = async (path: VirtualPath) =>
      recursive === true && (await kindOf(stage, path)) === "directory";
    const statuses: number[] = [];
    const done = await forEachPair(
      stage,
      words,
      async (from, to) => {
        if (await isTree(from)) statuses.push(await copyTree(stage, { from, to, mayReplace }));
        else await copyFile(stage, { from, to, mayReplace });
      },
      isTree,
    );
    return worstStatus([...statuses, done]);
  },
});

/** @throws FtpxError NO_SUCH_PATH, FORBIDDEN, CONNECTION_LOST, … */
async function kindOf({ remote, signal }: Stage, path: VirtualPath) {
  try {
    return (await remote.call("stat", { path }, signal)).kind;
  } catch (error) {
    throw failureAt(await blaming(remote, path, error), path);
  }
}

/** @returns how large it is */
async function copyFile(stage: Stage, request: RequestOf<"copy">): Promise<number> {
  const { from, to } = request;
  const { totalBytes } = await copyOnServer(stage, request).catch((error: unknown) => {
    // More options would not help.
    if (isKind(error, "IS_A_DIRECTORY") && isWithin(from, to)) throw intoItself();
    throw withHint(error, HINT_RECURSIVE, "IS_A_DIRECTORY");
  });
  tell(stage, "copied", { path: from, to, bytes: totalBytes });
  return totalBytes;
}

/** Ends on the server too when the person does not want to wait any longer. */
function copyOnServer({ remote, signal }: Stage, request: RequestOf<"copy">) {
  const work = async (client: Client) => {
    const started = client.start("copy", request);
    try {
      return await unlessAborted(started.reply, signal);
    } catch (error) {
      if (client.isOpen && signal.aborted) {
        client.call("closeTransfer", { transfer: started.id, isDiscarded: true }).catch(() => {});
      }
      throw error;
    }
  };
  return remote.retrying(work, { signal });
}

/**
 * @returns the worst status
 * @throws FtpxError BAD_PATH for a directory into itself; INTERRUPTED, CONNECTION_LOST, …
 */
async function copyTree(stage: Stage, request: RequestOf<"copy">): Promise<number> {
  const { from, to } = request;
  if (isWithin(from, to)) {
    throw intoItself();
  }
  const { signal, isJson } = stage;
  const startedMs = performance.now();
  const tree = await scanning(isJson, (onFound) =>
    // What is only a matter of names on this machine is no matter between two on the server.
    walkRemote(stage.remote, from, { signal, onFound, checkName: safeName, isOursToo: true }),
  );
  const work = new TreeCopy(stage, request);
  for (const { path, error } of tree.failures) work.tally.failed(path, error);
  await work.run(tree.entries);
  tellSummary(isJson, work.summary(performance.now() - startedMs));
  return work.tally.status;
}

function intoItself(): FtpxError {
  return new FtpxError("BAD_PATH", { reason: "cannot be copied into itself" });
}

function safeName(name: string): string {
  return safeLeaf(name, "linux");
}

class TreeCopy {
  readonly tally: Tally;
  readonly #stage: Stage;
  readonly #request: RequestOf<"copy">;
  #doneCount = 0;
  #movedBytes = 0;

  constructor(stage: Stage, request: RequestOf<"copy">) {
    this.tally = new Tally(stage.isJson);
    this.#stage = stage;
    this.#request = request;
  }

  summary(elapsedMs: number) {
    const { skippedCount, failedCount } = this.tally;
    return {
      doneCount: this.#doneCount,
      skippedCount,
      failedCount,
      movedBytes: this.#movedBytes,
      elapsedMs,
    };
  }

  /** @throws FtpxError INTERRUPTED, CONNECTION_LOST, … */
  async run(entries: readonly TreeEntry[]): Promise<void> {
    const sorted = entries.toSorted(byPath);
    const made = await this.#makeDirectories(sorted);
    const files: TreeEntry[] = [];
    for (const entry of sorted) {
      const { relative, kind } = entry;
      // Whatever was wrong with its directory has been told.
      if (kind === "directory" || !made.has(parentOf(relative))) continue;
      if (kind === "file") files.push(entry);
      else this.tally.skip(childPath(this.#request.from, relative), kind);
    }
    const { transfersMax } = this.#stage.remote;
    const lanes = inLanes(files, ({ bytes }) => bytes, transfersMax);
    await counting(this.#stage.isJson, "copying", "copied", (onCopied) =>
      workInLanes(lanes, ({ relative }) => this.#copy(relative, onCopied)),
    );
  }

  async #copy(
    relative: string,
    onCopied: (entry: { readonly bytes: number }) => void,
  ): Promise<void> {
    const { from, to, mayReplace } = this.#request;
    const source = childPath(from, relative);
    await this.tally.attempt(source, async () => {
      const request = { from: source, to: resolvePath(to, `./${relative}`), mayReplace };
      const bytes = await copyFile(this.#stage, request);
      this.#doneCount += 1;
      this.#movedBytes += bytes;
      onCopied({ bytes });
    });
  }

  /** Those above first. @returns those that are there, by their paths from the root */
  async #makeDirectories(entries: readonly TreeEntry[]): Promise<Set<string>> {
    const { from, to } = this.#request;
    // A copy that cannot begin is one failure, and that of the whole directory.
    await makeRemoteDirectory(this.#stage, to);
    const made = new Set([""]);
    const directories = entries.filter(({ kind }) => kind === "directory");
    for (const level of levelsOf(directories, ({ relative }) => relative)) {
      const wanted = level.filter(({ relative }) => made.has(parentOf(relative)));
      await workThrough(wanted, ASKED_AT_ONCE, ({ relative }) =>
        this.tally.attempt(childPath(from, relative), async () => {
          await makeRemoteDirectory(this.#stage, resolvePath(to, `./${relative}`));
          made.add(relative);
        }),
      );
    }
    return made;
  }
}
