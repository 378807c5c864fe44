/**
 * What is copied: files and trees of random bytes, which nothing can make smaller, and the
 * digests by which a copy is known to be the same.
 */
import { randomFillSync } from "node:crypto";
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { sha256Of } from "../test/e2e/binary.ts";
import { run } from "./errand.ts";

export interface Material {
  readonly path: string;
  readonly bytes: number;
  readonly isTree: boolean;
  readonly digest: string;
}

const BLOCK_BYTES = 4 * 1024 * 1024;

export async function randomFile(path: string, bytes: number): Promise<Material> {
  const file = openSync(path, "w");
  const block = new Uint8Array(BLOCK_BYTES);
  for (let written = 0; written < bytes; written += BLOCK_BYTES) {
    randomFillSync(block);
    writeSync(file, block, 0, Math.min(BLOCK_BYTES, bytes - written));
  }
  closeSync(file);
  return { path, bytes, isTree: false, digest: await sha256Of(path) };
}

/** As many files in each directory, of as many bytes each. */
export async function randomTree(
  path: string,
  { files, directories, bytes }: { files: number; directories: number; bytes: number },
): Promise<Material> {
  for (let index = 0; index < files; index += 1) {
    const directory = join(path, `d${index % directories}`);
    if (index < directories) await mkdir(directory, { recursive: true });
    await Bun.write(join(directory, `f${index}`), randomFillSync(new Uint8Array(bytes)));
  }
  return { path, bytes: files * bytes, isTree: true, digest: digestOfTree(path) };
}

function digestOfTree(path: string): string {
  const hasher = new Bun.CryptoHasher("sha256");
  const entries = readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  for (const file of entries.toSorted()) {
    hasher.update(`${file.slice(path.length)}\0`);
    hasher.update(new Bun.CryptoHasher("sha256").update(readFileSync(file)).digest());
  }
  return hasher.digest("hex");
}

/** @throws when the copy differs */
export async function prove({ digest, isTree }: Material, copy: string): Promise<void> {
  const own = isTree ? digestOfTree(copy) : await sha256Of(copy);
  if (own !== digest) throw new Error(`${copy} is not what was sent`);
}

/** A copy in each of these homes, under this name. */
export async function provide(
  material: Material,
  homes: Iterable<string>,
  name: string,
): Promise<void> {
  for (const home of new Set(homes)) {
    await mkdir(home, { recursive: true });
    await run(["cp", "-r", material.path, join(home, name)]);
  }
}

export async function remove(...paths: string[]): Promise<void> {
  for (const path of paths) await rm(path, { recursive: true, force: true });
}
