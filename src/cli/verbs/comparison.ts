/** Files of the same size on both sides, compared by digests: the server's of its own, ours of ours. */
import { constants } from "node:fs";
import { join } from "node:path";
import { isSameBytes } from "../../base/bytes.ts";
import { createHasher } from "../../base/digest.ts";
import { FtpxError, isKind } from "../../base/errors.ts";
import { CONTENT_BYTES_MAX } from "../../base/limits.ts";
import { OpenFile } from "../../base/openfile.ts";
import { resolvePath, systemPath } from "../../base/path.ts";
import type { VirtualPath } from "../../base/path.ts";
import type { TreeEntry } from "../../client/foliage.ts";
import { workThrough } from "../../client/queue.ts";
import { endsAll } from "./failing.ts";
import type { Stage } from "./verb.ts";

const COMPARED_AT_ONCE = 8;
const ALGORITHM = "sha256";

/** @returns the paths of those that are equal @throws FtpxError INTERRUPTED, CONNECTION_LOST, … */
export async function findEqual(
  stage: Stage,
  roots: { readonly local: string; readonly path: VirtualPath },
  source: readonly TreeEntry[],
  target: readonly TreeEntry[],
): Promise<Set<string>> {
  const sizes = new Map(target.map(({ relative, kind, bytes }) => [relative, { kind, bytes }]));
  const alike = source.filter(({ relative, kind, bytes }) => {
    const there = sizes.get(relative);
    return kind === "file" && there?.kind === "file" && there.bytes === bytes;
  });
  const equal = new Set<string>();
  await workThrough(alike, COMPARED_AT_ONCE, async ({ relative }) => {
    try {
      const path = resolvePath(roots.path, `./${relative}`);
      const asked = stage.remote.call("digest", { path, algorithm: ALGORITHM }, stage.signal);
      const [theirs, ours] = await Promise.all([
        asked,
        digestFile(join(roots.local, relative), stage.signal),
      ]);
      if (isSameBytes(theirs.digest, ours)) equal.add(relative);
    } catch (error) {
      if (isKind(error, "INTERRUPTED") || endsAll(error)) throw error;
      // What cannot be compared is sent, and what is wrong with it is told then.
    }
  });
  return equal;
}

/** The plain digest of a whole file. */
async function digestFile(path: string, signal: AbortSignal): Promise<Uint8Array> {
  const file = await OpenFile.open(systemPath(path), constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const hasher = await createHasher(ALGORITHM);
    const buffer = new Uint8Array(CONTENT_BYTES_MAX);
    for (let offset = 0; ; offset += buffer.byteLength) {
      if (signal.aborted) throw new FtpxError("INTERRUPTED");
      const count = await file.read(buffer, offset);
      hasher.update(buffer.subarray(0, count));
      if (count < buffer.byteLength) return hasher.finish();
    }
  } finally {
    await file.close();
  }
}
