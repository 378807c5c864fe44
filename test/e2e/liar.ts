/**
 * A server that lies about what its directories hold: the real one, from source, with the
 * answer of `list` for one directory changed. Started by tests as a program of its own, with
 * the data directory, the directory to lie about and the lies as JSON.
 */
import { serve } from "../../src/cli/serve.ts";
import type { list } from "../../src/commands/files.ts";
import { TABLE } from "../../src/commands/table.ts";

const [data = "", place = "", lies = "[]"] = process.argv.slice(2);
const entries = JSON.parse(lies) as Awaited<ReturnType<typeof list>>["entries"];
const row: { run: typeof list } = TABLE.list as never;
const honest = row.run;

row.run = async (session, request) => {
  const page = await honest(session, request);
  return request.path === place ? { ...page, entries: [...page.entries, ...entries] } : page;
};

process.exitCode = await serve({ data, listen: "127.0.0.1:0", json: true } as never);
