import { afterEach, beforeEach, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import fs from "node:fs";
import { FtpxError } from "../../src/base/errors.ts";
import { attempt, errorOfDatabase, openDatabase, tryLock } from "../../src/state/database.ts";
import { Chance } from "../support/chance.ts";
import { Folder } from "../support/folder.ts";
import { kindOf, refusal } from "../support/refusal.ts";

/** Tables that version 3 has and version 2 had not; what refers to others first. */
const ADDED_IN_3 = ["registrations", "invites", "seen"];

let folder: Folder;
let file: string;

beforeEach(() => {
  folder = new Folder();
  file = folder.at("state.db");
});

afterEach(() => {
  folder.remove();
});

function pragma(db: Database, name: string): unknown {
  return db.query<Record<string, unknown>, []>(`PRAGMA ${name}`).get()?.[name];
}

/** A database as a server leaves it: with a user, closed or not. */
function leaveDatabase(): void {
  const db = openDatabase(file);
  db.run("INSERT INTO accounts (user, used_bytes, used_files) VALUES ('ann', 5, 1)");
  db.run(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO meta SELECT 'm' || i, zeroblob(50) FROM n",
  );
  db.close();
}

/** Opens the database and looks at all that is there, as a batch would. */
function lookAtAll(): void {
  const db = openDatabase(file);
  try {
    db.run("BEGIN IMMEDIATE");
    attempt(db, () => db.query("SELECT * FROM meta").all());
    attempt(db, () => db.query("SELECT * FROM accounts").all());
    db.run("COMMIT");
  } finally {
    db.close();
  }
}

/** A child process that opens or locks the file, says so, and stays. */
async function spawnHolder(code: string): Promise<Bun.Subprocess<"ignore", "pipe", "inherit">> {
  const source = new URL("../../src/state/database.ts", import.meta.url).pathname;
  const program = `import { openDatabase, tryLock } from ${JSON.stringify(source)};
    globalThis.held = ${code};
    console.log("held");
    setInterval(() => {}, 1000);`;
  const child = Bun.spawn([process.execPath, "-e", program], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  await child.stdout.getReader().read();
  return child;
}

/** What another process gets that asks for a lock. */
async function outcomeElsewhere(code: string): Promise<string> {
  const source = new URL("../../src/state/database.ts", import.meta.url).pathname;
  const program = `import { openDatabase, tryLock } from ${JSON.stringify(source)};
    try { console.log(${code} === undefined ? "nothing" : "held"); }
    catch (error) { console.log(error.kind); }`;
  const child = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe" });
  return (await new Response(child.stdout).text()).trim();
}

test("R20: what was told to a client survives power loss: WAL, FULL, foreign keys", () => {
  const db = openDatabase(file);

  expect(pragma(db, "journal_mode")).toBe("wal");
  expect(pragma(db, "synchronous")).toBe(2);
  expect(pragma(db, "foreign_keys")).toBe(1);
  expect(pragma(db, "locking_mode")).toBe("exclusive");
  expect(pragma(db, "user_version")).toBe(3);
  db.close();
});

test.each([
  ["bytes", "used_bytes = -1"],
  ["files", "used_files = -1"],
  ["reserved bytes", "reserved_bytes = -1"],
  ["reserved files", "reserved_files = -1"],
  ["a text for a number", "used_bytes = 'much'"],
  ["a fraction", "used_bytes = 1.5"],
])("INV: the database itself refuses %s below zero or of another kind", (_case, change) => {
  leaveDatabase();
  const db = openDatabase(file);

  expect(() => db.run(`UPDATE accounts SET ${change}`)).toThrow();
  db.close();
});

test("an upload that is gone has no chunks", () => {
  const db = openDatabase(file);
  db.run(
    "INSERT INTO uploads (id, user, path, total_bytes, modified_ms, source, algorithm) VALUES ('u', 'a', '/', 0, 0, x'', 'md5')",
  );
  db.run("INSERT INTO chunks VALUES ('u', 0, x'00')");
  db.run("DELETE FROM uploads");

  expect(db.query("SELECT * FROM chunks").all()).toEqual([]);
  expect(() => db.run("INSERT INTO chunks VALUES ('none', 0, x'00')")).toThrow();
  db.close();
});

test("a schema of the future is refused, and the file can be opened by who knows it", () => {
  leaveDatabase();
  const later = new Database(file);
  later.run("PRAGMA user_version = 4");
  later.close();
  const reason = "schema version 4 is not known";

  expect(() => openDatabase(file)).toThrow(refusal("STATE_FAILED", { reason }));
  const again = new Database(file);
  again.run("PRAGMA user_version = 3");
  again.close();
  openDatabase(file).close();
});

test("a database of the first schema is brought to today's, with what is in it", () => {
  leaveDatabase();
  const first = new Database(file);
  first.run("ALTER TABLE uploads DROP COLUMN is_copy");
  for (const table of ADDED_IN_3) first.run(`DROP TABLE ${table}`);
  first.run("PRAGMA user_version = 1");
  first.run(
    "INSERT INTO uploads (id, user, path, total_bytes, modified_ms, source, algorithm) VALUES ('i', 'ann', '/f', 5, 1, x'00', 'sha256')",
  );
  first.close();
  const db = openDatabase(file);

  expect(db.query("SELECT id, is_copy FROM uploads").all()).toEqual([{ id: "i", is_copy: 0 }]);
  expect(pragma(db, "user_version")).toBe(3);
  db.close();
});

test("a database of the second schema is brought to today's, with what is in it", () => {
  leaveDatabase();
  const second = new Database(file);
  for (const table of ADDED_IN_3) second.run(`DROP TABLE ${table}`);
  second.run("PRAGMA user_version = 2");
  second.close();
  const db = openDatabase(file);

  for (const table of ADDED_IN_3) expect(db.query(`SELECT * FROM ${table}`).all()).toEqual([]);
  expect(db.query("SELECT user FROM accounts").values()).toEqual([["ann"]]);
  expect(pragma(db, "user_version")).toBe(3);
  db.close();
});

test.each([
  ["garbage", "STATE_DAMAGED", () => fs.writeFileSync(file, new Chance(1).bytes(20_000))],
  ["cut in half", "STATE_DAMAGED", () => fs.truncateSync(file, fs.statSync(file).size / 2)],
  ["a directory", "STATE_FAILED", () => (fs.rmSync(file), fs.mkdirSync(file))],
] as const)("Q8: a database that is %s is not taken for an empty one", (_case, kind, damage) => {
  leaveDatabase();
  damage();

  expect(kindOf(lookAtAll)).toBe(kind);
});

test("Q8: a database that was truncated to nothing knows nobody, so everybody is counted again", () => {
  leaveDatabase();
  fs.truncateSync(file, 0);
  const db = openDatabase(file);

  expect(db.query("SELECT * FROM accounts").all()).toEqual([]);
  db.close();
});

test("R21: a job that throws leaves nothing, and the others of its batch stand", () => {
  const db = openDatabase(file);
  const add = (user: string) =>
    db.run("INSERT INTO accounts (user, used_bytes, used_files) VALUES (?, 0, 0)", [user]);
  db.run("BEGIN IMMEDIATE");
  attempt(db, () => add("ann"));
  const failing = () =>
    attempt(db, () => {
      add("bob");
      throw new FtpxError("QUOTA_EXCEEDED");
    });
  expect(failing).toThrow(refusal("QUOTA_EXCEEDED"));
  attempt(db, () => add("cem"));
  db.run("COMMIT");

  expect(db.query("SELECT user FROM accounts").values()).toEqual([["ann"], ["cem"]]);
  db.close();
});

test("R21: when SQLite takes the whole transaction back, no later job of the batch is committed", () => {
  const db = openDatabase(file);
  const add = (user: string) =>
    db.run("INSERT INTO accounts (user, used_bytes, used_files) VALUES (?, 0, 0)", [user]);
  const lose = () => {
    db.run("ROLLBACK");
    throw new FtpxError("DISK_FULL");
  };
  db.run("BEGIN IMMEDIATE");
  attempt(db, () => add("ann"));
  expect(() => attempt(db, lose)).toThrow(refusal("DISK_FULL"));
  expect(() => attempt(db, () => add("bob"))).toThrow(refusal("STATE_FAILED"));

  expect(() => db.run("COMMIT")).toThrow();
  expect(db.query("SELECT user FROM accounts").values()).toEqual([]);
  db.close();
});

test.each([
  ["SQLITE_BUSY", "STATE_FAILED"],
  ["SQLITE_BUSY_RECOVERY", "STATE_FAILED"],
  ["SQLITE_FULL", "DISK_FULL"],
  ["SQLITE_IOERR_WRITE", "STATE_FAILED"],
  ["SQLITE_CORRUPT", "STATE_DAMAGED"],
])("the database's %s is %s", (code, kind) => {
  const cause = Object.assign(new Error("no"), { code });

  expect(errorOfDatabase(cause)).toMatchObject({ kind, cause });
});

test.each([
  ["a refusal", new FtpxError("EXISTS")],
  ["a defect", new Error("a defect")],
  ["a constraint", Object.assign(new Error("no"), { code: "SQLITE_CONSTRAINT_CHECK" })],
])("%s is not the database's failure", (_case, error) => {
  expect(errorOfDatabase(error)).toBe(error);
});

test("F9: the lock on the database goes with its process, however that ends, and nothing is lost", async () => {
  const child = await spawnHolder(`openDatabase(${JSON.stringify(file)})`);
  expect(() => openDatabase(file)).toThrow(refusal("SERVER_RUNNING"));
  child.kill("SIGKILL");
  await child.exited;
  const db = openDatabase(file);

  expect(pragma(db, "integrity_check")).toBe("ok");
  db.close();
});

test("a lock is held once, and can be had when it was released", () => {
  const release = tryLock(folder.at("lock"));
  expect(release).toBeFunction();
  expect(tryLock(folder.at("lock"))).toBeUndefined();
  release?.();
  const again = tryLock(folder.at("lock"));
  again?.();

  expect(again).toBeFunction();
});

test("a lock stays held when this process asks for it again, or for the database, and is refused", async () => {
  const release = tryLock(folder.at("lock"));
  const db = openDatabase(file);
  expect(tryLock(folder.at("lock"))).toBeUndefined();
  expect(() => openDatabase(file)).toThrow(refusal("SERVER_RUNNING"));

  expect(await outcomeElsewhere(`tryLock(${JSON.stringify(folder.at("lock"))})`)).toBe("nothing");
  expect(await outcomeElsewhere(`openDatabase(${JSON.stringify(file)})`)).toBe("SERVER_RUNNING");
  db.close();
  release?.();
});

test("a lock goes with its process, however that ends", async () => {
  const child = await spawnHolder(`tryLock(${JSON.stringify(folder.at("lock"))})`);
  expect(tryLock(folder.at("lock"))).toBeUndefined();
  child.kill("SIGKILL");
  await child.exited;
  const release = tryLock(folder.at("lock"));
  release?.();

  expect(release).toBeFunction();
});
