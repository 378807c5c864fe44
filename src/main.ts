/** The one executable: which of its commands was meant, and the exit status. */
import { main } from "./cli/main.ts";

process.exitCode = await main(process.argv.slice(2));
