/**
 * The Bun of another machine: the package of the npm registry, by npm itself, so that the
 * machine's own settings for it hold and its cache serves. It counts only when the archive is
 * the one that package-lock.json pins.
 */
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { ran } from "./commands.ts";
import { lockedAt, requireIntegrity } from "./lock.ts";
import type { Lock } from "./lock.ts";
import { extensionOf } from "./targets.ts";
import type { Target } from "./targets.ts";

/** Answers the path of the executable, below `scratch`. */
export async function fetchRuntime(target: Target, lock: Lock, scratch: string): Promise<string> {
  const pinned = lockedAt(lock, `node_modules/@oven/${target.runtime}`);
  const folder = join(scratch, target.runtime);
  await mkdir(folder, { recursive: true });
  const name = `@oven/${target.runtime}@${pinned.version}`;
  const options = ["--silent", "--prefer-offline", "--pack-destination", folder];
  await ran(["npm", "pack", name, ...options], { cwd: folder });

  const archive = join(folder, `oven-${target.runtime}-${pinned.version}.tgz`);
  requireIntegrity(await readFile(archive), pinned);
  await ran(["tar", "-xzf", archive], { cwd: folder });
  await rm(archive);
  return join(folder, `package/bin/bun${extensionOf(target)}`);
}
