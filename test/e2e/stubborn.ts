/**
 * A server that would keep its clients for ever, or fill their memory: the real one, from
 * source, with the answers of some commands changed. Started by tests as a program of its own,
 * with the data directory and the name of what it does.
 */
import { FtpxError } from "../../src/base/errors.ts";
import { serve } from "../../src/cli/serve.ts";
import type { Call } from "../../src/commands/command.ts";
import { TABLE } from "../../src/commands/table.ts";
import type { Session } from "../../src/sessions/session.ts";

const [data = "", manner = ""] = process.argv.slice(2);

const OPENED = {
  storedBytes: 0,
  chunkCount: 0,
  isSameSource: false,
  lastDigest: undefined,
  windowBytes: 8_388_608,
};

type Run = (session: Session, request: unknown, call: Call) => Promise<unknown>;

/** Proofs as fast as they are taken, and no reply. */
const proveForEver: Run = async (_session, _request, { id, outlet }) => {
  const digest = new Uint8Array(32);
  for (let index = 0; index < 200_000; index += 1) {
    outlet.notify(id, "proof", { index, digest });
    if (index % 1000 === 0) await Bun.sleep(1);
  }
  return {};
};

const MANNERS: Record<string, Record<string, Run>> = {
  "shut window": { openUpload: async () => ({ ...OPENED, windowBytes: 0 }) },
  "many chunks": { openUpload: async () => ({ ...OPENED, chunkCount: 4_294_967_295 }) },
  "proofs first": { openDownload: proveForEver },
  "empty pages": { list: async () => ({ entries: [], cursor: 7 }) },
  "own advice": {
    list: async () => {
      throw new FtpxError("CHANGED_KEY", { host: "bank", file: "/etc/passwd" });
    },
  },
};

const rows = TABLE as unknown as Record<string, { run: Run }>;
for (const [name, run] of Object.entries(MANNERS[manner] ?? {})) {
  const row = rows[name];
  if (row !== undefined) row.run = run;
}

process.exitCode = await serve({ data, listen: "127.0.0.1:0", json: true } as never);
