/**
 * The thread that owns the database, so that the event loop never waits for a disk.
 *
 * Jobs come in batches; a batch is one transaction and one sync, each job a
 * savepoint of it. The answers of a batch go out when it is on the disk, never
 * before.
 */
import type { Database } from "bun:sqlite";
import { parentPort } from "node:worker_threads";
import { FtpxError, isKind } from "../base/errors.ts";
import type { Details, ErrorKind } from "../base/errors.ts";
import { attempt, emptyLog, errorOfDatabase, openDatabase } from "./database.ts";
import { CensusTable } from "./census.ts";
import { JournalTable } from "./journal.ts";
import { LedgerTable } from "./ledger.ts";
import { MetaTable } from "./meta.ts";
import { InviteTable } from "./invites.ts";
import { RegistrationTable } from "./registrations.ts";
import { Spare } from "./spare.ts";

export interface Job {
  readonly method: string;
  readonly args: readonly unknown[];
}

export type Outcome =
  | { readonly value: unknown }
  | { readonly kind: ErrorKind; readonly details: Details }
  | { readonly defect: string };

export type Message =
  | { readonly type: "open"; readonly file: string }
  | { readonly type: "batch"; readonly jobs: readonly Job[] }
  | { readonly type: "close" };

type Method = (...args: never[]) => unknown;

let db: Database | undefined;
let spare: Spare | undefined;
let methods = new Map<string, Method>();

parentPort?.on("message", (message: Message) => parentPort?.postMessage(answer(message)));

function answer(message: Message): Outcome[] {
  if (message.type === "open") return [outcomeOf(() => open(message.file))];
  if (message.type === "batch") return runBatch(message.jobs);
  return [outcomeOf(close)];
}

function open(file: string): void {
  spare = new Spare(file);
  const opened = withRoom(() => openDatabase(file));
  spare.keep();
  const ledger = new LedgerTable(opened);
  const journal = new JournalTable(opened, ledger);
  const meta = new MetaTable(opened);
  const census = new CensusTable(opened);
  db = opened;
  methods = new Map<string, Method>([
    ["account", ledger.account.bind(ledger)],
    ["accounts", ledger.accounts.bind(ledger)],
    ["audit", ledger.audit.bind(ledger)],
    ["recount", ledger.recount.bind(ledger)],
    ["charge", ledger.charge.bind(ledger)],
    ["credit", ledger.credit.bind(ledger)],
    [
      "forget",
      (user: string) => [journal.forget(user), ledger.forget(user), census.forget(user)][0],
    ],
    ["openUpload", journal.openUpload.bind(journal)],
    ["upload", journal.upload.bind(journal)],
    ["uploads", journal.uploads.bind(journal)],
    ["digests", journal.digests.bind(journal)],
    ["addChunks", journal.addChunks.bind(journal)],
    ["keepChunks", journal.keepChunks.bind(journal)],
    ["publishing", journal.publishing.bind(journal)],
    ["unpublish", journal.unpublish.bind(journal)],
    ["settle", journal.settle.bind(journal)],
    ["discard", journal.discard.bind(journal)],
    [
      "age",
      (elapsedMs: number, ageMsMax: number) => (spare?.keep(), journal.age(elapsedMs, ageMsMax)),
    ],
    ...registrationMethods(opened),
    ["secret", meta.secret.bind(meta)],
    ["markStarted", meta.markStarted.bind(meta)],
    ["markStopped", meta.markStopped.bind(meta)],
    ["verify", meta.verify.bind(meta)],
    ["see", census.see.bind(census)],
    ["seen", census.seen.bind(census)],
    ["totals", census.totals.bind(census)],
  ]);
}

function registrationMethods(opened: Database): [string, Method][] {
  const invites = new InviteTable(opened);
  const registrations = new RegistrationTable(opened, invites);
  return [
    ["register", registrations.register.bind(registrations)],
    ["registration", registrations.registration.bind(registrations)],
    ["registrations", registrations.registrations.bind(registrations)],
    ["decide", registrations.decide.bind(registrations)],
    ["withdraw", registrations.withdraw.bind(registrations)],
    [
      "ageRegistrations",
      (elapsedMs: number) => (registrations.age(elapsedMs), invites.age(elapsedMs)),
    ],
    ["addInvite", invites.addInvite.bind(invites)],
    ["invites", invites.invites.bind(invites)],
    ["revokeInvite", invites.revokeInvite.bind(invites)],
  ];
}

function close(): void {
  db?.close();
  db = undefined;
}

function runBatch(jobs: readonly Job[]): Outcome[] {
  const database = db;
  if (database === undefined) return jobs.map(() => outcomeOf(refuseClosed));
  try {
    return commitBatch(database, jobs);
  } catch (error) {
    // One by one, because what only reads can still be answered on a full disk.
    if (jobs.length > 1) return jobs.flatMap((job) => runBatch([job]));
    const failure = errorOfDatabase(error);
    return jobs.map(() => outcomeOf(() => rethrow(failure)));
  }
}

function commitBatch(database: Database, jobs: readonly Job[]): Outcome[] {
  try {
    return tryBatch(database, jobs);
  } catch (error) {
    if (!isKind(errorOfDatabase(error), "DISK_FULL")) throw error;
    emptyLog(database);
    return withRoom(() => tryBatch(database, jobs));
  }
}

/** On a full disk, once more with the room that was kept for that. */
function withRoom<Value>(work: () => Value): Value {
  try {
    return work();
  } catch (error) {
    const isFull = isKind(errorOfDatabase(error), "DISK_FULL");
    if (!isFull || spare?.giveUp() !== true) throw error;
    return work();
  }
}

function tryBatch(database: Database, jobs: readonly Job[]): Outcome[] {
  try {
    database.run("BEGIN IMMEDIATE");
    const outcomes = jobs.map((job) => outcomeOf(() => attempt(database, () => run(job))));
    database.run("COMMIT");
    return outcomes;
  } catch (error) {
    if (database.inTransaction) database.run("ROLLBACK");
    throw error;
  }
}

function run({ method, args }: Job): unknown {
  const found = methods.get(method);
  if (found === undefined) throw new Error(`no method ${method}`);
  return found(...(args as never[]));
}

function outcomeOf(job: () => unknown): Outcome {
  try {
    return { value: job() };
  } catch (error) {
    if (error instanceof FtpxError) return { kind: error.kind, details: error.details };
    return { defect: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

function refuseClosed(): never {
  throw new FtpxError("STATE_FAILED", { reason: "closed" });
}

function rethrow(error: unknown): never {
  throw error;
}
