/**
 * All accounts of a server, as accounts.toml has them.
 *
 * What is held is always one whole version of the file that was found right: a version
 * with a mistake is complained about and not taken, not even the right parts of it. The
 * file is never written in place, and an edit is written only after it was parsed again
 * and found to change one account, in the way that was meant. What a text says is parsing.ts,
 * and each text is parsed once. Sessions that must end because an account changed are ended by
 * sessions/registry.ts.
 */
import { isDeepStrictEqual } from "node:util";
import { encodeText } from "../base/bytes.ts";
import { FtpxError, isKind, withPath } from "../base/errors.ts";
import { ACCOUNTS_FILE_BYTES_MAX, ACCOUNTS_LOOKS_MAX, ACCOUNTS_SETTLE_MS } from "../base/limits.ts";
import { replaceFile } from "../base/replacement.ts";
import { Turnstile } from "../base/turnstile.ts";
import type { Account } from "./account.ts";
import type { Changes } from "./edit.ts";
import { addAccount, removeAccount, setAccount } from "./edit.ts";
import { accountsOf, NOBODY, parseText, saysUsers, tablesOf } from "./parsing.ts";
import type { Accounts, Parsed, Table } from "./parsing.ts";
import { MISSING, readAccounts, refuse, refuseSize, versionOf } from "./reading.ts";
import { TEMPLATE } from "./template.ts";

/** Keeps other writers of the file away until what it answers is called. */
export type Lock = () => Promise<() => Promise<void>>;

/** Looks at an account as it stands in the file right before it is changed, and throws to refuse. */
export type Demand = (account: Account) => void;

export class AccountDirectory {
  readonly #file: string;
  readonly #lock: Lock;
  readonly #replaceFile: typeof replaceFile;
  #accounts: Accounts = new Map();
  /** The version that was read last, or complained about. */
  #version: string | undefined;
  /** The version that the last look saw. */
  #seen: string | undefined;
  /** The version that this process wrote last: it is whole, and needs no second look. */
  #written: string | undefined;
  /** Looks in a row that saw a change, and each another one. */
  #unsettledCount = 0;
  /** A look of whoever watches, at once. */
  #look: (() => Promise<void>) | undefined;
  #hasExisted = false;
  readonly #hasHomes: () => Promise<boolean>;

  /**
   * Nothing is read before `load`.
   *
   * @param replace  writes the file; given only by tests
   * @param hasHomes whether there were accounts: then a file without any is a loss
   */
  constructor(
    file: string,
    lock: Lock,
    replace: typeof replaceFile = replaceFile,
    hasHomes: () => Promise<boolean> = async () => false,
  ) {
    this.#file = file;
    this.#lock = lock;
    this.#replaceFile = replace;
    this.#hasHomes = hasHomes;
  }

  get accounts(): Accounts {
    return this.#accounts;
  }

  find(name: string): Account | undefined {
    return this.#accounts.get(name);
  }

  /**
   * Reads the file. A file that has never been there means no accounts; one that is gone
   * is a complaint, and the accounts stay as they were. So is one without any account,
   * because a script or a full disk may have emptied it, unless it says so: `[users]`.
   *
   * @throws FtpxError BAD_ACCOUNTS, NO_PERMISSION, …
   */
  async load(): Promise<void> {
    const found = await readAccounts(this.#file);
    this.#version = found?.version ?? MISSING;
    const parsed = found && parseText(found.text, this.#file);
    await this.#refuseLoss(parsed);
    if (parsed !== undefined) this.#take(accountsOf(parsed, this.#file));
  }

  /**
   * Looks at the file and reads it again if it has changed since it was read or complained
   * about; a mistake is complained about once. A change is taken when two looks in a row
   * saw the same: an editor that writes in place shows an empty file for a moment, and with
   * that everybody would be signed off. What this process wrote is taken at once, or whoever
   * makes it write again and again would keep the changes of others from being taken; and one
   * that does not come to rest is taken all the same: while commands follow one another, who
   * was disabled must not stay.
   *
   * @returns whether there is a new version of the accounts
   * @throws FtpxError as `load`
   */
  async refresh(): Promise<boolean> {
    const version = await versionOf(this.#file);
    const isStable = version === this.#seen || version === this.#written;
    this.#seen = version;
    this.#unsettledCount = isStable ? 0 : this.#unsettledCount + 1;
    const mayTake = isStable || this.#unsettledCount >= ACCOUNTS_LOOKS_MAX;
    if (!mayTake || version === this.#version) return false;
    this.#unsettledCount = 0;
    this.#version = version;
    try {
      await this.load();
    } catch (error) {
      // What is wrong with the disk may pass: the file is looked at again.
      if (!isKind(error, "BAD_ACCOUNTS")) this.#version = undefined;
      throw error;
    }
    return true;
  }

  /**
   * Calls `refresh` again and again. Polling sees editors that write in place, those that
   * rename, and network file systems alike.
   *
   * @param onChange    the accounts are another version
   * @param onComplaint the file is wrong; the last good version stays in force
   */
  watch(
    everyMs: number,
    onChange: () => void,
    onComplaint: (complaint: unknown) => void,
  ): { stop(): void } {
    let isStopped = false;
    let told = "";
    const look = async () => {
      try {
        const isChanged = await this.refresh();
        told = "";
        if (isChanged && !isStopped) onChange();
      } catch (complaint) {
        // A file that cannot be read is looked at again and again, and told of once.
        const text = JSON.stringify(complaint instanceof FtpxError && complaint.details);
        if (!isStopped && text !== told) onComplaint(complaint);
        told = text;
      }
    };
    const turns = new Turnstile();
    this.#look = () => turns.run(look);
    const again = async () => {
      await this.#look?.();
      if (!isStopped) timer = setTimeout(() => void again(), everyMs);
    };
    let timer = setTimeout(() => void again(), everyMs);
    return {
      stop: () => {
        isStopped = true;
        clearTimeout(timer);
      },
    };
  }

  /**
   * Resolves when what the file says now is in force, or was complained about: whoever watches
   * it looks at once, and again in short steps while it does not come to rest.
   */
  async settle(): Promise<void> {
    for (let looks = 0; looks <= ACCOUNTS_LOOKS_MAX; looks += 1) {
      await this.#look?.();
      if (this.#seen === this.#version) return;
      await Bun.sleep(ACCOUNTS_SETTLE_MS);
    }
  }

  /** Writes the template when there is no file. @throws FtpxError DISK_FULL, … */
  async create(): Promise<void> {
    await this.#write((before) =>
      before.text === TEMPLATE ? parseText(TEMPLATE + NOBODY, this.#file) : before,
    );
  }

  /** @throws FtpxError USAGE, ACCOUNT_EXISTS, BAD_CONFIG, BAD_ACCOUNTS, DISK_FULL, … */
  async add(user: string, fields: Changes): Promise<void> {
    await this.#edit(
      user,
      ({ text }) => addAccount(text, user, fields),
      () => merge([], fields),
    );
  }

  /**
   * @param demand is asked while other writers are kept away
   * @throws FtpxError NO_SUCH_ACCOUNT, BAD_CONFIG, BAD_ACCOUNTS, DISK_FULL, …, and what
   *   `demand` throws
   */
  async set(user: string, changes: Changes, demand?: Demand): Promise<void> {
    const intend = (before: Table | undefined) => merge(before ?? [], changes);
    const change = (before: Parsed): string => {
      // Only then: a mistake in the file may be what this change mends.
      const account = demand && accountsOf(before, this.#file).get(user);
      if (account !== undefined) demand?.(account);
      return setAccount(before.text, user, changes);
    };
    await this.#edit(user, change, intend);
  }

  /** The home is not touched. @throws FtpxError NO_SUCH_ACCOUNT, BAD_CONFIG, DISK_FULL, … */
  async remove(user: string): Promise<void> {
    await this.#edit(
      user,
      ({ text }) => {
        const left = removeAccount(text, user);
        if (saysUsers(parseText(left, this.#file))) return left;
        return left.endsWith("\n") || left === "" ? left + NOBODY : `${left}\n${NOBODY}`;
      },
      () => undefined,
    );
  }

  /** @param intend what the account's table must be afterwards; undefined for none */
  async #edit(
    user: string,
    change: (before: Parsed) => string,
    intend: (before: Table | undefined) => Table | undefined,
  ): Promise<void> {
    await this.#write((before) => {
      const tables = tablesOf(before, this.#file);
      const changed = parseText(change(before), this.#file);
      const intended = intend(tables.get(user));
      if (intended === undefined) tables.delete(user);
      else tables.set(user, intended);
      if (isDeepStrictEqual(tablesOf(changed, this.#file), tables)) return changed;
      const reason = `account ${user} cannot be edited by a command; edit accounts.toml by hand`;
      throw new FtpxError("BAD_CONFIG", { reason });
    });
  }

  /** The watch sees the new version and says so, as it does for edits by hand. */
  async #write(change: (before: Parsed) => Parsed): Promise<void> {
    const release = await this.#lock();
    try {
      const found = await readAccounts(this.#file);
      const before = parseText(found?.text ?? TEMPLATE, this.#file);
      await this.#refuseLoss(found && before);
      const changed = change(before);
      const accounts = accountsOf(changed, this.#file);
      if (changed.text !== found?.text) {
        await this.#replace(changed.text, found?.version ?? MISSING);
        this.#written = await this.#versionOf(changed.text);
      }
      this.#take(accounts);
    } finally {
      await release();
    }
  }

  async #replace(text: string, version: string): Promise<void> {
    const bytes = encodeText(text);
    if (bytes.byteLength > ACCOUNTS_FILE_BYTES_MAX) refuseSize(this.#file);
    // An editor knows nothing of the lock, and what was just saved by hand must not be lost.
    if ((await versionOf(this.#file)) !== version) throw new FtpxError("BUSY_ACCOUNTS");
    try {
      await this.#replaceFile(this.#file, bytes);
    } catch (failure) {
      throw withPath(failure, this.#file);
    }
  }

  /** Of the file, if it holds this text; an editor may have been there already. */
  async #versionOf(text: string): Promise<string | undefined> {
    const found = await readAccounts(this.#file).catch(() => undefined);
    return found?.text === text ? found.version : undefined;
  }

  /** An account that did not change stays the same object. */
  #take(accounts: Accounts): void {
    const taken = new Map(accounts);
    for (const [name, account] of accounts) {
      const before = this.#accounts.get(name);
      if (before !== undefined && isDeepStrictEqual(before, account)) taken.set(name, before);
    }
    this.#hasExisted = true;
    this.#accounts = taken;
  }

  /** @param found undefined where there is no file @throws FtpxError BAD_ACCOUNTS */
  async #refuseLoss(found: Parsed | undefined): Promise<void> {
    if (found === undefined && this.#hasExisted) {
      refuse(this.#file, "the file is gone; the accounts stay as they were");
    }
    if (found !== undefined && saysUsers(found)) return;
    if (this.#accounts.size > 0) {
      refuse(
        this.#file,
        `no account is left in the file; the accounts stay as they were${EXPLICIT}`,
      );
    }
    if (!(await this.#hasHomes())) return;
    const what = found === undefined ? "the file is gone" : "no account is left in the file";
    refuse(this.#file, `${what}, but storage/ holds the homes of accounts: put it back${EXPLICIT}`);
  }
}

const EXPLICIT = "; if nobody is to have one, let it say [users]";

/** A table with changes in it, as it must look when it is parsed. */
function merge(table: Table | readonly [], changes: Changes): Table {
  const merged = new Map<string, unknown>(table);
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) merged.delete(key);
    else merged.set(key, Number.isSafeInteger(value) ? BigInt(value) : value);
  }
  return merged;
}
