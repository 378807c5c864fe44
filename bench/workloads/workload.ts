/** What a workload is: a name, what it is about, and what one more step of it multiplies. */
import type { Bench } from "../bench.ts";

export interface Workload {
  readonly name: string;
  readonly about: string;
  /** What grows: bytes and files by `scale`, clients by `crowd`. */
  readonly grows: "scale" | "crowd";
  run(bench: Bench): Promise<void>;
}

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;
