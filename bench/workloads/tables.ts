/**
 * W13: what grows with what a server keeps: files at both sides of a sync, unfinished uploads in
 * the journal, accounts in the ledger. With --steps 0.01,0.1,1 each is measured at 1, 10 and 100
 * times: nothing may cost more than its share. Sessions grow in W6, names of a listing in W11.
 */
import { appendFile } from "node:fs/promises";
import { TRANSFERS_MAX } from "../../src/base/limits.ts";
import { formatVerifier, makeVerifier } from "../../src/base/verifier.ts";
import { openUpload, sendPiece, signedIn } from "../../test/e2e/wire.ts";
import { cpuOf } from "../../test/support/process.ts";
import type { Bench } from "../bench.ts";
import { measure, measureOutput } from "../errand.ts";
import type { Errand } from "../errand.ts";
import { randomTree, remove } from "../material.ts";
import { errandsOf, PASSWORD, restartFtpx, startFtpx, USER } from "../peers/ftpx.ts";
import type { FtpxServer } from "../peers/ftpx.ts";
import { RSYNC } from "../peers/peers.ts";
import { LOOPBACK } from "../place.ts";
import { ServerTime, sessionsEnded } from "../processes.ts";
import type { Figure } from "../results.ts";
import { KIB, MIB } from "./workload.ts";
import type { Workload } from "./workload.ts";

const FILES = 100_000;
const UNFINISHED = 1000;
const ACCOUNTS = 10_000;
const WHO = "ftpx";

export const TABLES: Workload = {
  name: "W13",
  about: "a sync of 100,000 files that are the same; 1,000 unfinished uploads; 10,000 accounts",
  grows: "scale",
  run: async (bench) => {
    await ofSync(bench);
    await ofJournal(bench);
    await ofLedger(bench);
  },
};

async function ofSync(bench: Bench): Promise<void> {
  const files = bench.scaled(FILES);
  const shape = { files, directories: Math.max(1, Math.round(files / 100)), bytes: 16 };
  const material = await randomTree(bench.ground.path("w13"), shape);
  const ours = await startFtpx(bench.ground, LOOPBACK);
  const { errand } = errandsOf(bench.ground, LOOPBACK, ours);
  const own = errand("sync", material.path, ours.target("/w13"));
  const syncs = [{ who: WHO, pid: ours.server.process.pid, sync: own }];
  for (const { name, serverPid, putTree } of await bench.stand([RSYNC], LOOPBACK)) {
    // What has nothing to send is a sync too.
    if (putTree !== undefined) {
      syncs.push({ who: name, pid: serverPid, sync: putTree(material.path, "/w13") });
    }
  }
  for (const one of syncs) await measure(one.sync);
  const contenders = syncs.map(({ who, pid, sync }) => ({
    who,
    run: async () => await costOf("sync of the same", sync, pid),
  }));
  await bench.takeTurns("W13", contenders);
  await ours.server.stop();
  await remove(material.path);
}

async function ofJournal(bench: Bench): Promise<void> {
  const count = bench.scaled(UNFINISHED);
  const made = await startFtpx(bench.ground, LOOPBACK);
  await leaveUnfinished(made, count);
  await made.server.kill();
  const run = async () => {
    const [begun, started] = await startAgain("journal: start", made);
    const { errand, put } = errandsOf(bench.ground, LOOPBACK, begun);
    const { pid } = begun.server.process;
    const listing = errand("unfinished", "--json", begun.target("/"));
    const { read } = await measureOutput(listing, (stdout) => new Response(stdout).text());
    const found = read.trimEnd().split("\n").length;
    if (found !== count) throw new Error(`${found} unfinished uploads of ${count}`);
    const figures = [
      ...started,
      ...(await costOf("journal: unfinished", listing, pid)),
      ...(await costOf("journal: put", put(import.meta.path, "/beside"), pid)),
    ];
    await begun.server.kill();
    return figures;
  };
  await bench.takeTurns("W13", [{ who: WHO, run }]);
}

/** Each of a MiB, of which a part has come. */
async function leaveUnfinished({ server }: FtpxServer, count: number): Promise<void> {
  const piece = new Uint8Array(4 * KIB).fill(1);
  for (let first = 0; first < count; first += TRANSFERS_MAX) {
    const client = await signedIn(server, USER, PASSWORD);
    const some = Math.min(TRANSFERS_MAX, count - first);
    const sending = Array.from({ length: some }, async (_hole, index) => {
      const { id, reply } = openUpload(client, `/unfinished-${first + index}`, MIB);
      await reply;
      await sendPiece(client, id, 0, piece);
    });
    await Promise.all(sending);
    await client.call("quota", {});
    client.close();
  }
}

async function ofLedger(bench: Bench): Promise<void> {
  const made = await startFtpx(bench.ground, LOOPBACK);
  await made.server.stop();
  const verifier = formatVerifier(await makeVerifier(PASSWORD));
  const tables = Array.from(
    { length: bench.scaled(ACCOUNTS) },
    (_hole, index) => `\n[users.u${index}]\npassword = "${verifier}"\n`,
  );
  await appendFile(`${made.scene.data}/accounts.toml`, tables.join(""));
  const run = async () => {
    const [begun, started] = await startAgain("ledger: start", made);
    const { signIn, put } = errandsOf(bench.ground, LOOPBACK, begun);
    const { pid } = begun.server.process;
    const figures = [
      ...started,
      ...(await costOf("ledger: sign-in", signIn(), pid)),
      ...(await costOf("ledger: put", put(import.meta.path, "/beside"), pid)),
    ];
    await begun.server.stop();
    return figures;
  };
  await bench.takeTurns("W13", [{ who: WHO, run }]);
}

async function startAgain(what: string, made: FtpxServer): Promise<[FtpxServer, Figure[]]> {
  const beganMs = performance.now();
  const begun = await restartFtpx(LOOPBACK, made);
  const seconds = (performance.now() - beganMs) / 1000;
  const { own } = cpuOf(begun.server.process.pid);
  return [begun, figuresOf(what, seconds, own)];
}

async function costOf(what: string, errand: Errand, serverPid: number): Promise<Figure[]> {
  using time = new ServerTime(serverPid);
  const { seconds, cpuSeconds } = await measure(errand);
  await sessionsEnded(serverPid);
  return figuresOf(what, seconds, cpuSeconds + time.end());
}

/** The processor's time is that of both sides. */
function figuresOf(what: string, seconds: number, processorSeconds: number): Figure[] {
  return [
    { what, unit: "s", value: seconds },
    { what: `${what}, processor`, unit: "s", value: processorSeconds },
  ];
}
