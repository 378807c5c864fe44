/**
 * What every peer of the benchmarks is: a server that stands at a place, and the commands of its
 * client. Each has a file of its own here; peers.ts lists them.
 */
import type { Errand } from "../errand.ts";
import type { Ground } from "../ground.ts";
import type { Place } from "../place.ts";

export interface Peer {
  readonly name: string;
  /** Why it is left out, where it is not there. */
  readonly whyMissing: () => string | undefined;
  /** Starts the server unless another peer of the same server has. */
  stand(ground: Ground, place: Place): Promise<Standing>;
}

/** Paths on the server begin with a slash, at `home`. */
export interface Standing {
  readonly name: string;
  /** Where the server keeps its files. */
  readonly home: string;
  readonly serverPid: number;
  readonly get: (path: string, local: string) => Errand;
  readonly put: (local: string, path: string) => Errand;
  /** A directory and all in it, to a place that is not there yet. Some clients cannot. */
  readonly getTree?: (path: string, local: string) => Errand;
  readonly putTree?: (local: string, path: string) => Errand;
  /** The names in a directory, one a line. */
  readonly list?: (path: string) => Errand;
  /** Connects, signs in, asks for next to nothing, and leaves. */
  readonly signIn?: () => Errand;
}

/** The first of these tools that is not installed, as a reason. */
export function missingTool(...tools: string[]): string | undefined {
  const missing = tools.find((tool) => programOf(tool) === undefined);
  return missing === undefined ? undefined : `${missing} is not installed`;
}

/** Servers are not in everybody's PATH. */
export function programOf(tool: string): string | undefined {
  const path = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`;
  return Bun.which(tool, { PATH: path }) ?? undefined;
}
