/**
 * Unfinished uploads: which source, how much of it is held, the digests of its
 * chunks. Runs inside the state worker, on an open transaction.
 *
 * A chunk stands here only when its bytes are synced, so whatever is in the journal
 * may be promised to a client.
 */
import { randomUUIDv7 } from "bun";
import type { Database } from "bun:sqlite";
import { isSameBytes } from "../base/bytes.ts";
import { isAlgorithm } from "../base/digest.ts";
import { FtpxError } from "../base/errors.ts";
import type { Amount, UploadIntent, UploadOpened, UploadRow } from "./contract.ts";
import type { LedgerTable } from "./ledger.ts";

interface Row {
  id: string;
  user: string;
  path: string;
  total_bytes: number;
  modified_ms: number;
  source: Uint8Array;
  algorithm: string;
  chunk_count: number;
  phase: "receiving" | "publishing";
  replaced_bytes: number;
  replaced_files: number;
  is_copy: number;
  idle_ms: number;
}

export class JournalTable {
  readonly #db: Database;
  readonly #ledger: LedgerTable;

  constructor(db: Database, ledger: LedgerTable) {
    this.#db = db;
    this.#ledger = ledger;
  }

  openUpload(intent: UploadIntent): UploadOpened {
    const found = this.#db
      .query<Row, [string, string]>("SELECT * FROM uploads WHERE user = ? AND path = ?")
      .get(intent.user, intent.path);
    if (found === null) return this.#begin(intent, undefined);
    // Its file may be in place and not counted yet; whoever sees the files can tell.
    if (found.phase === "publishing") {
      throw new FtpxError("NOT_SETTLED");
    }
    if (intent.isFresh || found.algorithm !== intent.algorithm) {
      this.discard(found.id);
      return this.#begin(intent, found.id);
    }
    return this.#pickUp(found, intent);
  }

  upload(id: string): UploadRow | undefined {
    const row = this.#find(id);
    return row === null ? undefined : rowOf(row);
  }

  uploads(user?: string): UploadRow[] {
    const rows =
      user === undefined
        ? this.#db.query<Row, []>("SELECT * FROM uploads ORDER BY id").all()
        : this.#db.query<Row, [string]>("SELECT * FROM uploads WHERE user = ?").all(user);
    return rows.map(rowOf);
  }

  digests(id: string, firstChunk: number, countMax: number): Uint8Array[] {
    return this.#db
      .query<{ digest: Uint8Array }, [string, number, number]>(
        "SELECT digest FROM chunks WHERE upload = ? AND chunk >= ? ORDER BY chunk LIMIT ?",
      )
      .all(id, firstChunk, countMax)
      .map(({ digest }) => digest);
  }

  addChunks(id: string, firstChunk: number, digests: readonly Uint8Array[]): void {
    const { changes } = this.#db
      .query(
        `UPDATE uploads SET chunk_count = chunk_count + $count, idle_ms = 0
         WHERE id = $id AND chunk_count = $firstChunk AND phase = 'receiving'`,
      )
      .run({ id, count: digests.length, firstChunk });
    if (changes === 0) throw new Error(`upload ${id} does not hold ${firstChunk} chunks`);
    const insert = this.#db.query("INSERT INTO chunks (upload, chunk, digest) VALUES (?, ?, ?)");
    for (const [index, digest] of digests.entries()) insert.run(id, firstChunk + index, digest);
  }

  keepChunks(id: string, chunkCount: number, source: Uint8Array): void {
    const { changes } = this.#db
      .query(
        `UPDATE uploads SET chunk_count = $chunkCount, source = $source, idle_ms = 0
         WHERE id = $id AND chunk_count >= $chunkCount`,
      )
      .run({ id, chunkCount, source });
    if (changes === 0) throw new Error(`upload ${id} does not hold ${chunkCount} chunks`);
    this.#db.query("DELETE FROM chunks WHERE upload = ? AND chunk >= ?").run(id, chunkCount);
  }

  publishing(id: string, replaced: Amount): void {
    const { changes } = this.#db
      .query(
        `UPDATE uploads SET phase = 'publishing', replaced_bytes = $bytes, replaced_files = $files
         WHERE id = $id`,
      )
      .run({ id, bytes: replaced.bytes, files: replaced.files });
    // Or a file would come into its place that nobody counts.
    if (changes === 0) throw new Error(`no upload ${id}`);
  }

  unpublish(id: string): void {
    this.#db
      .query(
        `UPDATE uploads SET phase = 'receiving', replaced_bytes = 0, replaced_files = 0
         WHERE id = ?`,
      )
      .run(id);
  }

  settle(id: string): boolean {
    const row = this.#find(id);
    // Nothing to settle means that it was settled before: a replay is harmless.
    if (row === null) return true;
    const replaced = { bytes: row.replaced_bytes, files: row.replaced_files };
    const isExact = this.#ledger.settle(row.user, { bytes: row.total_bytes, files: 1 }, replaced);
    this.#db.query("DELETE FROM uploads WHERE id = ?").run(id);
    return isExact;
  }

  discard(id: string): void {
    const row = this.#find(id);
    if (row === null) return;
    this.#ledger.refund(row.user, { bytes: row.total_bytes, files: 1 });
    this.#db.query("DELETE FROM uploads WHERE id = ?").run(id);
  }

  age(elapsedMs: number, ageMsMax: number): string[] {
    this.#db.query("UPDATE uploads SET idle_ms = idle_ms + ?").run(elapsedMs);
    return this.#db
      .query<{ id: string }, [number]>(
        "SELECT id FROM uploads WHERE idle_ms > ? AND phase = 'receiving'",
      )
      .all(ageMsMax)
      .map(({ id }) => id);
  }

  /** Ids of a user's uploads, which are forgotten. */
  forget(user: string): string[] {
    return this.#db
      .query<{ id: string }, [string]>("DELETE FROM uploads WHERE user = ? RETURNING id")
      .all(user)
      .map(({ id }) => id);
  }

  #find(id: string): Row | null {
    return this.#db.query<Row, [string]>("SELECT * FROM uploads WHERE id = ?").get(id);
  }

  #begin(intent: UploadIntent, droppedId: string | undefined): UploadOpened {
    this.#ledger.reserve(intent.user, { bytes: intent.totalBytes, files: 1 }, intent.limit);
    const id = randomUUIDv7();
    this.#db
      .query(
        `INSERT INTO uploads
           (id, user, path, total_bytes, modified_ms, source, algorithm, is_copy)
         VALUES ($id, $user, $path, $totalBytes, $modifiedMs, $source, $algorithm, $isCopy)`,
      )
      .run({
        id,
        user: intent.user,
        path: intent.path,
        totalBytes: intent.totalBytes,
        modifiedMs: intent.modifiedMs,
        source: intent.source,
        algorithm: intent.algorithm,
        isCopy: intent.isCopy === true ? 1 : 0,
      });
    const row = this.upload(id);
    if (row === undefined) throw new Error("an upload vanished");
    return { row, droppedId, isResumed: false, isSameSource: true };
  }

  #pickUp(found: Row, intent: UploadIntent): UploadOpened {
    const extraBytes = intent.totalBytes - found.total_bytes;
    const extra = { bytes: extraBytes, files: 0 };
    if (extraBytes > 0) this.#ledger.reserve(intent.user, extra, intent.limit);
    else this.#ledger.refund(intent.user, { bytes: -extraBytes, files: 0 });
    this.#db
      .query(
        `UPDATE uploads SET total_bytes = $totalBytes, modified_ms = $modifiedMs, idle_ms = 0,
           is_copy = 0,
           source = iif(chunk_count = 0, $source, source)
         WHERE id = $id`,
      )
      .run({
        id: found.id,
        totalBytes: intent.totalBytes,
        modifiedMs: intent.modifiedMs,
        // Where nothing is held nothing is left to compare: the part is this source's now.
        source: intent.source,
      });
    const row = this.upload(found.id);
    if (row === undefined) throw new Error("an upload vanished");
    const isSameSource = isSameBytes(found.source, intent.source);
    return { row, droppedId: undefined, isResumed: true, isSameSource };
  }
}

function rowOf(row: Row): UploadRow {
  if (!isAlgorithm(row.algorithm)) throw new Error(`unknown algorithm ${row.algorithm}`);
  return {
    id: row.id,
    user: row.user,
    path: row.path,
    totalBytes: row.total_bytes,
    modifiedMs: row.modified_ms,
    algorithm: row.algorithm,
    isCopy: row.is_copy !== 0,
    chunkCount: row.chunk_count,
    phase: row.phase,
    replaced: { bytes: row.replaced_bytes, files: row.replaced_files },
    idleMs: row.idle_ms,
  };
}
