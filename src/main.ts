/** The one executable: which of its commands was meant, and the exit status. */
import { EXIT_MS_MAX, THREADS } from "./base/limits.ts";
import { main } from "./cli/program.ts";
import { widenThreadPool } from "./store/kernel.ts";

// Before anything touches a file.
widenThreadPool(THREADS);
process.exitCode = await main(process.argv.slice(2));
// What a failure left open must not keep the process.
if (process.exitCode !== 0) setTimeout(() => process.exit(), EXIT_MS_MAX).unref();
