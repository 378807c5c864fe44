/**
 * What must be remembered, whatever database keeps it: the ledger (quota), the journal
 * (unfinished uploads), and who has asked for an account. Every method is asynchronous and one
 * transaction: when it resolves, its effect is on the disk.
 *
 * An upload reserves its whole size and one file when it is opened and keeps the
 * reservation as long as its part exists. `publishing` and `settle` bracket the
 * rename that makes it visible, so that a crash between them can be told apart.
 */
import type { Algorithm } from "../base/digest.ts";

export interface Amount {
  readonly bytes: number;
  /** Files, directories and everything else that has a name. */
  readonly files: number;
}

export interface Account {
  readonly used: Amount;
  readonly reserved: Amount;
}

/** The reservation that the ledger holds, and the sum that it should be. */
export interface Audit extends Account {
  readonly ofUploads: Amount;
}

export interface UploadIntent {
  readonly user: string;
  readonly path: string;
  readonly totalBytes: number;
  readonly modifiedMs: number;
  /** What the client says about its source; opaque, compared as bytes. */
  readonly source: Uint8Array;
  readonly isCopy?: boolean;
  readonly algorithm: Algorithm;
  /** Forget what an earlier upload left. */
  readonly isFresh: boolean;
  readonly limit: Amount;
}

export interface UploadRow {
  readonly id: string;
  readonly user: string;
  readonly path: string;
  readonly totalBytes: number;
  readonly modifiedMs: number;
  readonly algorithm: Algorithm;
  /** A copy within the home: no client goes on with it. */
  readonly isCopy: boolean;
  /** Whole chunks whose bytes are synced and whose digests are kept. */
  readonly chunkCount: number;
  readonly phase: "receiving" | "publishing";
  /** While publishing: what stood at the path. */
  readonly replaced: Amount;
  /** Running time, as `age` was told of it, since a chunk came. */
  readonly idleMs: number;
}

export interface UploadOpened {
  readonly row: UploadRow;
  /** The part of an upload that was forgotten; whoever called removes it. */
  readonly droppedId: string | undefined;
  /** A part of that id exists already. */
  readonly isResumed: boolean;
  /** The source is the one that the held chunks came from. */
  readonly isSameSource: boolean;
}

export interface Ledger {
  /** Nothing is known of a user who was never counted. */
  account(user: string): Promise<Account | undefined>;
  accounts(): Promise<{ user: string; account: Account }[]>;
  /** As `account`, with what the uploads of the user reserve, all of one moment. */
  audit(user: string): Promise<Audit | undefined>;
  /** Sets what is used to what was counted; the reservation is the sum of the uploads. */
  recount(user: string, used: Amount): Promise<void>;
  /** Counts something new. @throws FtpxError QUOTA_EXCEEDED, FILES_EXCEEDED */
  charge(user: string, amount: Amount, limit: Amount): Promise<void>;
  /**
   * Counts what is gone. What was put there by hand was never counted, so the sum can end
   * at zero too early: then it answers false, and the user has to be counted again.
   */
  credit(user: string, amount: Amount): Promise<boolean>;
  /** Everything about the user, uploads too; answers the ids of the parts. */
  forget(user: string): Promise<string[]>;
}

export interface Journal {
  /**
   * Opens the upload to a path, or picks up the one that was cut off, and reserves its
   * whole size. @throws FtpxError QUOTA_EXCEEDED, FILES_EXCEEDED; NOT_SETTLED when the
   * last one to the path is still being published
   */
  openUpload(intent: UploadIntent): Promise<UploadOpened>;
  upload(id: string): Promise<UploadRow | undefined>;
  /** Of one user, or of all. */
  uploads(user?: string): Promise<UploadRow[]>;
  /** Digests of held chunks from `firstChunk` on. */
  digests(id: string, firstChunk: number, countMax: number): Promise<Uint8Array[]>;
  /** Chunks whose bytes are synced; `firstChunk` must be the number that is held. */
  addChunks(id: string, firstChunk: number, digests: readonly Uint8Array[]): Promise<void>;
  /** Keeps only the first chunks, because the rest is not the source's any more. */
  keepChunks(id: string, chunkCount: number, source: Uint8Array): Promise<void>;
  publishing(id: string, replaced: Amount): Promise<void>;
  /** The rename did not happen after all. */
  unpublish(id: string): Promise<void>;
  /**
   * The new file counts, what it replaced does not, the reservation and the upload are gone.
   *
   * @returns as `credit`
   */
  settle(id: string): Promise<boolean>;
  /** The upload and its reservation are gone. */
  discard(id: string): Promise<void>;
  /** Milliseconds of running time that passed; answers the uploads older than `ageMsMax`. */
  age(elapsedMs: number, ageMsMax: number): Promise<string[]>;
}

/** Limits that an account gets; what is undefined is the server's default. */
export interface AccountLimits {
  readonly quotaBytes: number | undefined;
  readonly filesMax: number | undefined;
  readonly access: "full" | "read-only" | "upload-only" | undefined;
}

/** What somebody who wants an account has sent, after it was checked. */
export interface RegistrationIntent {
  /** SHA-256 of the ticket that its holder has drawn. */
  readonly ticket: Uint8Array;
  readonly user: string;
  readonly verifier: string;
  readonly note: string;
  readonly address: string;
  /** What requests are counted by: the address, or its network. */
  readonly source: string;
  /** SHA-256 of the code of an invite. */
  readonly invite: Uint8Array | undefined;
  readonly nowMs: number;
}

export interface RegistrationRow {
  /** Never given twice. */
  readonly number: number;
  readonly user: string;
  /** Empty when the request was answered. */
  readonly verifier: string;
  readonly note: string;
  readonly address: string;
  readonly askedMs: number;
  readonly outcome: "pending" | "approved" | "denied";
  /** Why it was denied. */
  readonly reason: string;
  /** The invite that it has used up, so that no operator need answer it. */
  readonly invite: AccountLimits | undefined;
}

/** A request as it is after `register`. */
export interface Registered {
  readonly row: RegistrationRow;
  /** The same ticket was there before. */
  readonly isKnown: boolean;
  /** Requests that wait, in all and for the same name. */
  readonly waitingCount: number;
  readonly sameNameCount: number;
}

export interface InviteIntent extends AccountLimits {
  /** SHA-256 of the code. */
  readonly code: Uint8Array;
  /** The only name that it is good for. */
  readonly user: string | undefined;
  readonly expiresMs: number;
}

export interface InviteRow extends AccountLimits {
  /** Never given twice. */
  readonly number: number;
  readonly user: string | undefined;
  readonly expiresMs: number;
  readonly status: "open" | "used" | "revoked";
  /** The name that it was used for. */
  readonly usedBy: string | undefined;
}

export interface Registrations {
  /**
   * Keeps a request until it is answered. The same ticket again is the same request: what it
   * has become is answered; while it waits the verifier that came last is its own, and an invite
   * is used for it if there is one now. Invite and request are bound in one transaction.
   *
   * @throws FtpxError REGISTRATIONS_FULL, REGISTERED_OFTEN, BAD_INVITE; BAD_REGISTRATION for
   *   the ticket of another name
   */
  register(intent: RegistrationIntent): Promise<Registered>;
  /** By its ticket's SHA-256 or by its number. */
  registration(key: Uint8Array | number): Promise<RegistrationRow | undefined>;
  /** Those that wait, the oldest first. */
  registrations(): Promise<RegistrationRow[]>;
  /** The verifier is forgotten. @returns false when it waits no more */
  decide(number: number, outcome: "approved" | "denied", reason: string): Promise<boolean>;
  /** As if it had never come; an invite that it has used is open again. */
  withdraw(number: number): Promise<void>;
  /** Milliseconds of running time that passed; drops what is too old, or too many of. */
  ageRegistrations(elapsedMs: number): Promise<void>;
  /** @returns its number; @throws FtpxError INVITES_FULL */
  addInvite(intent: InviteIntent): Promise<number>;
  /** Those that are open, and those that were lately closed. */
  invites(): Promise<InviteRow[]>;
  /** @returns whether it was open */
  revokeInvite(number: number): Promise<boolean>;
}

export interface Meta {
  /** A random value made once: fake salts and the like are derived from it. */
  secret(): Promise<Uint8Array>;
  /** Whether the last run ended by `markStopped`; from here on it has not. */
  markStarted(): Promise<{ wasClean: boolean }>;
  markStopped(): Promise<void>;
  /** Reads everything. @throws FtpxError STATE_DAMAGED */
  verify(): Promise<void>;
}

export interface Sighting {
  readonly user: string;
  /** Of the wall clock. */
  readonly atMs: number;
}

/** Of all users together. */
export interface Totals {
  readonly usedBytes: number;
  readonly usedFiles: number;
  readonly reservedBytes: number;
  /** Unfinished ones, those under way included. */
  readonly uploads: number;
}

export interface Census {
  /** Users have signed in; the latest time of each is kept. */
  see(sightings: readonly Sighting[]): Promise<void>;
  /** By user; whoever never signed in is not in it. */
  seen(): Promise<Sighting[]>;
  totals(): Promise<Totals>;
}

/** Transactions since the state was opened, each from the moment it was begun to its answer. */
export interface Batches {
  readonly count: number;
  readonly seconds: number;
}

export type State = Ledger &
  Journal &
  Registrations &
  Meta &
  Census & { readonly batches: Batches; close(): Promise<void> };
