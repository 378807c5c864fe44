/** All workloads, in the order of the suite. */
import { BESIDE } from "./beside.ts";
import { CPU } from "./cpu.ts";
import { CROWD } from "./crowd.ts";
import { FIRST_BYTE } from "./firstbyte.ts";
import { LISTING } from "./listing.ts";
import { LONG_FILE } from "./longfile.ts";
import { LONG_TREE } from "./longtree.ts";
import { MEMORY } from "./memory.ts";
import { ONE_FILE } from "./onefile.ts";
import { RESUME } from "./resume.ts";
import { START_UP } from "./startup.ts";
import { TABLES } from "./tables.ts";
import { TREE } from "./tree.ts";
import type { Workload } from "./workload.ts";

export const WORKLOADS: readonly Workload[] = [
  ONE_FILE,
  LONG_TREE,
  LONG_FILE,
  TREE,
  CROWD,
  MEMORY,
  RESUME,
  FIRST_BYTE,
  CPU,
  START_UP,
  LISTING,
  BESIDE,
  TABLES,
];
