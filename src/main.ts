/** The one executable: which of its commands was meant, and the exit status. */
import { THREADS } from "./base/limits.ts";
import { main } from "./cli/program.ts";
import { widenThreadPool } from "./store/kernel.ts";

// Before anything touches a file.
widenThreadPool(THREADS);
process.exitCode = await main(process.argv.slice(2));
