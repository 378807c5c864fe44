/** All workloads, in the order of the suite. */
import { LONG_FILE } from "./longfile.ts";
import { LONG_TREE } from "./longtree.ts";
import { ONE_FILE } from "./onefile.ts";
import { TREE } from "./tree.ts";
import type { Workload } from "./workload.ts";

export const WORKLOADS: readonly Workload[] = [ONE_FILE, LONG_TREE, LONG_FILE, TREE];
