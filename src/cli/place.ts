/**
 * The data directory: where everything of a server lies.
 *
 *   accounts.toml        accounts
 *   storage/             mode 0700
 *   storage/NAME/        homes
 *   storage/.ftpx/       the server's own
 */
import { chmod, readdir, rm } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { isUserName } from "../accounts/account.ts";
import { AccountDirectory } from "../accounts/directory.ts";
import { makeDirectories } from "../base/directories.ts";
import { errorOfSystem, FtpxError, isKind, withPath } from "../base/errors.ts";
import { LOCK_MS_MAX } from "../base/limits.ts";
import { Turnstile } from "../base/turnstile.ts";
import { TEMPORARY } from "../base/replacement.ts";
import { tryLock } from "../state/database.ts";
import { hideFolder } from "../store/kernel.ts";
import { visible } from "./escaping.ts";
import { writeNote } from "./terminal.ts";

/**
 * Those within this process that wait for a lock, by its file: the kernel gives it to a process,
 * and only one of them at a time asks for it.
 */
const TURNSTILES = new Map<string, Turnstile>();

export class Place {
  readonly root: string;

  constructor(root: string) {
    this.root = resolve(root);
  }

  get accountsFile(): string {
    return join(this.root, "accounts.toml");
  }

  get storage(): string {
    return join(this.root, "storage");
  }

  /** Identity, state, unfinished uploads, audit log, operator's socket. */
  get own(): string {
    return join(this.storage, ".ftpx");
  }

  get stateFile(): string {
    return join(this.own, "state.sqlite");
  }

  get auditFile(): string {
    return join(this.own, "audit.log");
  }

  /** What the audit log knows of the accounts. */
  get toldFile(): string {
    return join(this.own, "accounts.told");
  }

  get operatorSocket(): string {
    return join(this.own, "operator.sock");
  }

  /** Makes what is missing. @throws FtpxError NO_PERMISSION, DISK_FULL, … */
  async prepare(): Promise<void> {
    try {
      await makeDirectories(this.own);
      // Nobody but the server's user has business in there, whatever the umask is.
      await chmod(this.storage, 0o700);
      await chmod(this.own, 0o700);
      if (!hideFolder(this.storage) || !hideFolder(this.own)) {
        writeNote(
          `ftpx: others may be able to read ${visible(this.storage)}: give nobody else access to it`,
        );
      }
    } catch (error) {
      throw withPath(errorOfSystem(error), this.own);
    }
  }

  /** accounts.toml, not loaded yet; edits by several commands at once wait for each other. */
  accounts(): AccountDirectory {
    const lock = () => this.lockAccounts();
    return new AccountDirectory(this.accountsFile, lock, undefined, () => this.#hasHomes());
  }

  /** Whether it is a data directory already. */
  async isMade(): Promise<boolean> {
    return await Bun.file(this.accountsFile).exists();
  }

  /**
   * The same, loaded. A folder without one is a mistake, and nothing is made in it.
   *
   * @throws FtpxError BAD_CONFIG
   */
  async openAccounts(): Promise<AccountDirectory> {
    if (!(await this.isMade())) {
      throw new FtpxError("BAD_CONFIG", { reason: `no accounts.toml in ${this.root}` });
    }
    const directory = this.accounts();
    await directory.load();
    return directory;
  }

  /** The names of homes. What else lies in storage/, such as `lost+found`, is nobody's. */
  async homes(): Promise<string[]> {
    return (await namesIn(this.storage)).filter(isUserName);
  }

  /** Files that were put there before the first start are no loss of anybody's account. */
  async #hasHomes(): Promise<boolean> {
    const names = await namesIn(this.storage);
    return names.includes(basename(this.own)) && names.some(isUserName);
  }

  /** What commands that were killed while they replaced a file have left. */
  async leftovers(): Promise<string[]> {
    const found: string[] = [];
    for (const folder of [this.root, this.own]) {
      for (const name of await namesIn(folder)) {
        const isOurs = folder === this.own || name.startsWith("accounts.toml.");
        if (isOurs && TEMPORARY.test(name)) found.push(join(folder, name));
      }
    }
    return found;
  }

  /** Nobody replaces a file while the lock is held, or before a server runs. */
  async removeLeftovers(): Promise<string[]> {
    if ((await this.leftovers()).length === 0) return [];
    const release = await this.lockAccounts();
    try {
      const found = await this.leftovers();
      for (const path of found) await rm(path, { force: true });
      return found;
    } catch (error) {
      throw errorOfSystem(error);
    } finally {
      await release();
    }
  }

  /** Until what it answers is called. @throws FtpxError BUSY_ACCOUNTS */
  async lockAccounts(): Promise<() => Promise<void>> {
    await this.prepare();
    const file = join(this.own, "accounts.lock");
    const deadlineMs = performance.now() + LOCK_MS_MAX;
    const turnstile = TURNSTILES.get(file) ?? new Turnstile();
    TURNSTILES.set(file, turnstile);
    const giveBack = await turnstile.turn(LOCK_MS_MAX);
    if (giveBack === undefined) throw new FtpxError("BUSY_ACCOUNTS");
    try {
      const release = await lockBefore(file, deadlineMs);
      return async () => {
        try {
          release();
        } finally {
          giveBack();
        }
      };
    } catch (error) {
      giveBack();
      throw error;
    }
  }
}

/** @throws FtpxError BUSY_ACCOUNTS */
async function lockBefore(file: string, deadlineMs: number): Promise<() => void> {
  for (;;) {
    const release = tryLock(file);
    if (release !== undefined) return release;
    if (performance.now() > deadlineMs) throw new FtpxError("BUSY_ACCOUNTS");
    await Bun.sleep(20);
  }
}

/** `--data`, or FTPX_DATA, or the current directory. */
export function placeOf(option: string | undefined): Place {
  return new Place(option ?? process.env["FTPX_DATA"] ?? ".");
}

/** None where there is no such folder. @throws FtpxError */
async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const failure = errorOfSystem(error);
    if (isKind(failure, "NO_SUCH_PATH")) return [];
    throw withPath(failure, folder);
  }
}
