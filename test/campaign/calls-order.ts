/**
 * The order of calls that a loss of power demands, read off a run in which nothing goes
 * wrong: what gets its name by a rename was synced after its last write, and directories of
 * which a rename or mkdir changed the entries are synced afterwards. Parts need no name after
 * a loss of power, and the server's own directories are made anew.
 */
import { dirname } from "node:path";
import type { Call } from "./calls-tracer.ts";

const WRITES = new Set(["write", "pwrite64", "writev", "pwritev", "ftruncate"]);
const SYNCS = new Set(["fsync", "fdatasync"]);
const RENAMES = new Set(["rename", "renameat", "renameat2"]);

/** The server's own directories, and parts. */
const OWN = /^storage(?:\/\.ftpx(?:\/parts(?:\/\*)?)?)?$/;

/** @returns what is out of order */
export function findDisorder(calls: readonly Call[]): string[] {
  const found: string[] = [];
  /** Files that were written since their last sync. */
  const unsynced = new Set<string>();
  for (const [index, { name, place, path }] of calls.entries()) {
    if (WRITES.has(name)) unsynced.add(path);
    if (SYNCS.has(name)) unsynced.delete(path);
    if (!RENAMES.has(name) && name !== "mkdir") continue;
    if (unsynced.has(path)) found.push(`${name} of ${place}: it was not synced`);
    const later = calls.slice(index).filter((call) => SYNCS.has(call.name));
    for (const folder of foldersOf(place)) {
      if (later.some((call) => call.place === folder)) continue;
      found.push(`${name} of ${place}: ${folder} was not synced afterwards`);
    }
  }
  return found;
}

/** Where an entry was made or taken away. */
function foldersOf(place: string): Set<string> {
  const paths = place.split(" > ").filter((path) => !OWN.test(path));
  return new Set(paths.map((path) => dirname(path)));
}
