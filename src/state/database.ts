/**
 * The state in SQLite: schema, pragmas, transactions (only user of bun:sqlite).
 *
 * WAL with synchronous=FULL, because what was told to a client must survive power
 * loss. The lock is exclusive for as long as the database is open: a second server
 * or an administration command finds it busy instead of changing it behind our
 * back, and the kernel drops the lock with the process, however that ends.
 */
import { Database } from "bun:sqlite";
import { accessSync, closeSync, constants, openSync } from "node:fs";
import { devNull } from "node:os";
import { errorOfSystem, FtpxError, isKind, withPath } from "../base/errors.ts";
import { REGISTRATION_SCHEMA } from "./registrations.ts";

const SCHEMA_VERSION = 3;

/** Version 2. */
const SCHEMA = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE accounts (
    user           TEXT PRIMARY KEY,
    used_bytes     INTEGER NOT NULL CHECK (used_bytes >= 0),
    used_files     INTEGER NOT NULL CHECK (used_files >= 0),
    reserved_bytes INTEGER NOT NULL DEFAULT 0 CHECK (reserved_bytes >= 0),
    reserved_files INTEGER NOT NULL DEFAULT 0 CHECK (reserved_files >= 0)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE uploads (
    id             TEXT PRIMARY KEY,
    user           TEXT NOT NULL,
    path           TEXT NOT NULL,
    total_bytes    INTEGER NOT NULL CHECK (total_bytes >= 0),
    modified_ms    INTEGER NOT NULL,
    source         BLOB NOT NULL,
    algorithm      TEXT NOT NULL,
    chunk_count    INTEGER NOT NULL DEFAULT 0 CHECK (chunk_count >= 0),
    phase          TEXT NOT NULL DEFAULT 'receiving' CHECK (phase IN ('receiving', 'publishing')),
    replaced_bytes INTEGER NOT NULL DEFAULT 0,
    replaced_files INTEGER NOT NULL DEFAULT 0,
    idle_ms        INTEGER NOT NULL DEFAULT 0,
    is_copy        INTEGER NOT NULL DEFAULT 0,
    UNIQUE (user, path)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE chunks (
    upload TEXT NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    chunk  INTEGER NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (upload, chunk)
  ) STRICT, WITHOUT ROWID;
`;

/** What version 3 has and version 2 had not, a statement each. */
const ADDED_IN_3 = [
  REGISTRATION_SCHEMA,
  "CREATE TABLE seen (user TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID",
];

const FROM_2 = ADDED_IN_3.join(";");
const FROM_1 = `ALTER TABLE uploads ADD COLUMN is_copy INTEGER NOT NULL DEFAULT 0; ${FROM_2}`;

/** @throws FtpxError SERVER_RUNNING, STATE_FAILED */
export function openDatabase(file: string): Database {
  let db: Database | undefined;
  try {
    makeFile(file);
    makeFile(`${file}-wal`);
    db = new Database(file, { strict: true });
    db.run("PRAGMA locking_mode = EXCLUSIVE");
    db.run("PRAGMA journal_mode = WAL");
    db.run("PRAGMA synchronous = FULL");
    db.run("PRAGMA foreign_keys = ON");
    demandPragma(db, "journal_mode", "wal");
    demandPragma(db, "synchronous", 2);
    demandPragma(db, "foreign_keys", 1);
    // Takes the lock even if nothing is to be written.
    db.run("BEGIN IMMEDIATE");
    prepareSchema(db);
    db.run("COMMIT");
    return db;
  } catch (error) {
    // Or this process would keep what the failed attempt had locked.
    db?.close();
    if (isBusy(error)) throw new FtpxError("SERVER_RUNNING", {}, { cause: error });
    throw errorOfDatabase(error);
  }
}

/**
 * What the log holds goes into the database, so that the log is written from its beginning
 * again: on a full disk that can be the only room there is.
 */
export function emptyLog(db: Database): void {
  db.run("PRAGMA wal_checkpoint(PASSIVE)");
}

/**
 * Runs a job in a savepoint of the batch's transaction, so that a job that fails
 * leaves nothing behind and the others of the batch stand.
 */
export function attempt<Value>(db: Database, job: () => Value): Value {
  // After some failures SQLite takes the whole transaction back. A savepoint would then
  // begin one of its own, and commit what its caller is told has failed.
  if (!db.inTransaction) throw new FtpxError("STATE_FAILED", { reason: "transaction lost" });
  db.run("SAVEPOINT job");
  try {
    const value = job();
    db.run("RELEASE job");
    return value;
  } catch (error) {
    if (db.inTransaction) {
      db.run("ROLLBACK TO job");
      db.run("RELEASE job");
    }
    throw errorOfDatabase(error);
  }
}

/** What is not the database's failure, and a constraint that was hit, is a defect: left as it is. */
export function errorOfDatabase(error: unknown): unknown {
  const code = (error as { code?: unknown } | null)?.code;
  if (error instanceof FtpxError || typeof code !== "string") return error;
  if (code.startsWith("SQLITE_CONSTRAINT")) return error;
  if (code === "SQLITE_FULL") return new FtpxError("DISK_FULL", {}, { cause: error });
  const kind = /^SQLITE_(?:CORRUPT|NOTADB)/.test(code) ? "STATE_DAMAGED" : "STATE_FAILED";
  return new FtpxError(kind, { reason: code }, { cause: error });
}

/** Somebody else holds the lock: so it can be when a file is opened, and never afterwards. */
function isBusy(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === "string" && code.startsWith("SQLITE_BUSY");
}

/**
 * SQLite says no more than "unable to open" of a file that it cannot make. One that is there is
 * never opened here: closing any descriptor of a file drops all the locks that this process
 * holds on it (fcntl(2)), those that SQLite has taken in its name too. @throws FtpxError
 */
function makeFile(file: string): void {
  try {
    if (createFile(file)) return;
    accessSync(file, constants.R_OK | constants.W_OK);
    // Whether there is a descriptor for it.
    closeSync(openSync(devNull, "r"));
  } catch (error) {
    const failure = errorOfSystem(error);
    if (isKind(failure, "DISK_FULL", "NO_DESCRIPTORS", "NO_PERMISSION")) {
      throw withPath(failure, file);
    }
    const { code } = error as { code?: string };
    throw new FtpxError("STATE_FAILED", { reason: code ?? String(error) }, { cause: error });
  }
}

/** @returns whether it was made here; nobody can have locked it before it is closed */
function createFile(file: string): boolean {
  try {
    closeSync(openSync(file, "wx", 0o600));
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === "EEXIST") return false;
    throw error;
  }
}

function prepareSchema(db: Database): void {
  const row = db.query<{ user_version: number }, []>("PRAGMA user_version").get();
  const version = row?.user_version ?? 0;
  if (version === 0) db.run(SCHEMA + FROM_2);
  else if (version === 1) db.run(FROM_1);
  else if (version === 2) db.run(FROM_2);
  else if (version !== SCHEMA_VERSION) {
    throw new FtpxError("STATE_FAILED", { reason: `schema version ${version} is not known` });
  }
  db.run(`PRAGMA user_version = ${SCHEMA_VERSION}`);
}

function demandPragma(db: Database, name: string, expected: string | number): void {
  const row = db.query<Record<string, unknown>, []>(`PRAGMA ${name}`).get();
  if (row?.[name] !== expected) {
    throw new FtpxError("STATE_FAILED", { reason: `cannot set ${name}` });
  }
}

/**
 * Holds a lock file for as long as the process lives or until released; answers
 * nothing when somebody else holds it. An empty SQLite database is the portable way
 * to a lock that the kernel drops with its owner.
 */
export function tryLock(file: string): (() => void) | undefined {
  let db: Database | undefined;
  try {
    makeFile(file);
    db = new Database(file, { strict: true });
    db.run("PRAGMA locking_mode = EXCLUSIVE");
    db.run("PRAGMA journal_mode = MEMORY");
    db.run("BEGIN EXCLUSIVE");
  } catch (error) {
    db?.close();
    if (isBusy(error)) return undefined;
    throw errorOfDatabase(error);
  }
  const held = db;
  return () => {
    held.run("ROLLBACK");
    held.close();
  };
}
