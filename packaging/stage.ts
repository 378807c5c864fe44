/**
 * A copy of the sources in a folder of its own, with the packages that the program is made of
 * and no others, put there by npm and compared with package-lock.json.
 *
 * An executable holds the paths of its sources, seen from the top folder, and a node_modules
 * that is a link elsewhere would show in them. From a staged folder they are the same on every
 * machine.
 */
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { ran } from "./commands.ts";
import { requireInstalled } from "./lock.ts";
import type { Lock } from "./lock.ts";

export const STAGED = ["package.json", "package-lock.json", ".npmrc", "tsconfig.json", "src"];

export async function stage(root: string, folder: string, lock: Lock): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of STAGED) await cp(join(root, name), join(folder, name), { recursive: true });
  const options = ["--omit=dev", "--ignore-scripts", "--no-save", "--no-audit", "--no-fund"];
  await ran(["npm", "install", ...options, "--prefer-offline"], { cwd: folder });
  await requireInstalled(folder, lock);
}
