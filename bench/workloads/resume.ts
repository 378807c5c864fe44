/**
 * W7: how long it takes until new content of a very large file moves, when nearly all of it is
 * held already.
 *
 * To make such a part by copying would write all of it to the disk each time. So a copy of zeros
 * is cut off after a few chunks, and what is known of the part is told to be as much as wanted:
 * each chunk of zeros has the same digest, and the part is sparse like its source. Where it went
 * on is compared, so that a copy that begins anew does not count.
 */
import { Database } from "bun:sqlite";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import type { Bench } from "../bench.ts";
import { CHUNK_BYTES } from "../../src/base/limits.ts";
import type { Errand } from "../errand.ts";
import { remove } from "../material.ts";
import { errandsOf, restartFtpx, startFtpx } from "../peers/ftpx.ts";
import { LOOPBACK } from "../place.ts";
import { firstProgress } from "../progress.ts";
import { GIB } from "./workload.ts";
import type { Workload } from "./workload.ts";

const WHO = "ftpx";
/** What is left to copy. */
const LEFT_CHUNKS = 4;
const CUT_BYTES = 2.5 * CHUNK_BYTES;
/** Slow enough to be cut off in the middle. */
const SLOWLY = ["--limit", "30M"];

export const RESUME: Workload = {
  name: "W7",
  about: "time to the first new byte of 10 GiB (sparse) that go on, loopback",
  grows: "scale",
  run: async (bench) => {
    const chunks = Math.max(16, Math.round(bench.scaled(10 * GIB) / CHUNK_BYTES));
    const heldChunks = chunks - LEFT_CHUNKS;
    const source = bench.ground.path("w7");
    makeSparse(source, chunks * CHUNK_BYTES);
    await bench.takeTurns("W7", [
      {
        who: WHO,
        run: async () => timed("get goes on", await goOnGetting(bench, chunks, heldChunks)),
      },
      {
        who: WHO,
        run: async () => timed("put goes on", await goOnPutting(bench, source, heldChunks)),
      },
    ]);
    await remove(source);
  },
};

function timed(what: string, value: number) {
  return [{ what, unit: "s" as const, value }];
}

function makeSparse(path: string, bytes: number): void {
  writeFileSync(path, "");
  truncateSync(path, bytes);
}

async function goOnGetting(bench: Bench, chunks: number, heldChunks: number): Promise<number> {
  const { ground } = bench;
  const server = await ground.once("w7", async () => {
    const started = await startFtpx(ground, LOOPBACK);
    makeSparse(`${started.home}/w7`, chunks * CHUNK_BYTES);
    return started;
  });
  const { errand } = errandsOf(ground, LOOPBACK, server);
  const back = ground.path("w7-back");
  const get = (...words: string[]) => errand("get", "--json", ...words, server.target("/w7"), back);
  await firstProgress(get(...SLOWLY), CUT_BYTES);
  const part = ground.path(".w7-back.ftpx-part");
  const [head = "", digest = ""] = readFileSync(`${part}.log`, "utf8").split("\n");
  if (digest === "") throw new Error("no chunk was noted");
  const lines = [head, ...Array.from({ length: heldChunks }, () => digest)];
  writeFileSync(`${part}.log`, `${lines.join("\n")}\n`);
  truncateSync(part, heldChunks * CHUNK_BYTES);
  const seconds = await goOn(get(), heldChunks);
  await remove(back);
  return seconds;
}

async function goOnPutting(bench: Bench, source: string, heldChunks: number): Promise<number> {
  const { ground } = bench;
  const first = await startFtpx(ground, LOOPBACK);
  const put = ({ target }: typeof first, ...words: string[]) =>
    errandsOf(ground, LOOPBACK, first).errand("put", "--json", ...words, source, target("/w7"));
  await firstProgress(put(first, ...SLOWLY), CUT_BYTES);
  await first.server.stop();
  const own = `${first.scene.data}/storage/.ftpx`;
  const db = new Database(`${own}/state.sqlite`);
  const { id } = db.query("SELECT id FROM uploads").get() as { id: string };
  const { digest } = db.query("SELECT digest FROM chunks WHERE chunk = 0").get() as {
    digest: Uint8Array;
  };
  db.run("BEGIN");
  db.run("DELETE FROM chunks");
  const add = db.query("INSERT INTO chunks (upload, chunk, digest) VALUES (?, ?, ?)");
  for (let chunk = 0; chunk < heldChunks; chunk += 1) add.run(id, chunk, digest);
  db.run("UPDATE uploads SET chunk_count = ?", [heldChunks]);
  db.run("COMMIT");
  db.close();
  truncateSync(`${own}/parts/${id}`, heldChunks * CHUNK_BYTES);
  const second = await restartFtpx(LOOPBACK, first);
  const seconds = await goOn(put(second), heldChunks);
  await second.server.stop();
  return seconds;
}

async function goOn(errand: Errand, heldChunks: number): Promise<number> {
  const held = heldChunks * CHUNK_BYTES;
  const { seconds, resumedAt } = await firstProgress(errand, held, { isEndWanted: true });
  if (resumedAt < held - CHUNK_BYTES) throw new Error(`went on at ${resumedAt}, not ${held}`);
  return seconds;
}
