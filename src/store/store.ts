/**
 * Where file content lives: the contract that every back end keeps.
 *
 * A Home is the tree of one account; no path given to it can reach anything
 * outside. Parts are unfinished uploads; they lie outside all homes, where a
 * rename into a home is atomic. The store knows nothing of quotas, rights and
 * transfers: it reports what it changed and the vfs counts it.
 *
 * Everything rejects with FtpxError. Symbolic links, sockets, FIFOs and devices
 * are listed and can be removed or moved; they are never opened.
 */
import type { FileFacts, OpenFile, Outline } from "../base/openfile.ts";
import type { VirtualPath } from "../base/path.ts";

export interface Entry extends Outline {
  /** As `nameText` writes it: bytes that are not UTF-8 are escaped. */
  readonly name: string;
}

/** Sizes of files, and the number of files, directories and all other entries. */
export interface Usage {
  readonly bytes: number;
  readonly files: number;
}

/** An open directory that is read page by page. */
export interface Listing {
  /** What it keeps in memory. */
  readonly heldBytes: number;
  /** The next entries: `entriesMax` of them, fewer only at the end. By the bytes of their names. */
  next(entriesMax: number): Promise<Entry[]>;
  close(): Promise<void>;
}

export interface Store {
  /** The home of an account; made when it is missing, with mode 0700. */
  openHome(user: string): Promise<Home>;
  /** Whether something stands in the place of the home of an account. */
  hasHome(user: string): Promise<boolean>;
  /** Removes a home and all it holds; a missing one is no failure. */
  removeHome(user: string): Promise<void>;
  readonly parts: Parts;
  close(): Promise<void>;
}

export interface Home {
  /** Does not follow a link at the end of the path. @throws FtpxError NO_SUCH_PATH, OUTSIDE_HOME */
  facts(path: VirtualPath): Promise<FileFacts>;
  /** As `facts`, without a trip to the disk: for a path that was looked up a moment ago. */
  factsNow(path: VirtualPath): Promise<FileFacts>;
  /** @throws FtpxError NOT_A_DIRECTORY */
  list(path: VirtualPath): Promise<Listing>;
  /** A regular file for reading. @throws FtpxError IS_A_DIRECTORY, NOT_A_FILE */
  openFile(path: VirtualPath): Promise<OpenFile>;
  /** @throws FtpxError EXISTS */
  makeDir(path: VirtualPath): Promise<void>;
  /** Removes anything but a directory; answers what went. @throws FtpxError IS_A_DIRECTORY */
  removeFile(path: VirtualPath): Promise<Usage>;
  /** Removes an empty directory; never the home itself. @throws FtpxError NOT_EMPTY, NOT_A_DIRECTORY */
  removeDir(path: VirtualPath): Promise<Usage>;
  /**
   * Removes a directory and all it holds, children first. `removed` hears what went, in
   * batches, also when the work then fails in the middle. What vanishes meanwhile is no
   * failure. @throws FtpxError NOT_A_DIRECTORY, FORBIDDEN for the home itself, CHANGED
   */
  removeTree(path: VirtualPath, removed: (usage: Usage) => Promise<void>): Promise<void>;
  /**
   * Renames; what it replaces (a file by a file) is answered. A directory never replaces
   * anything, nothing is moved into itself, and the home itself stays. What may not replace
   * (it may unless told otherwise) does not, whoever else makes files there at the same time.
   * @throws FtpxError EXISTS, NO_SUCH_PATH, BAD_PATH into itself, FORBIDDEN for the home
   */
  move(from: VirtualPath, to: VirtualPath, mayReplace?: boolean): Promise<Usage>;
  /**
   * Renames a part to a path, replacing a file that stands there; what it replaces is
   * answered. The directory is not synced yet: `syncParent` does that.
   * @throws FtpxError IS_A_DIRECTORY, EXISTS
   */
  publish(part: string, path: VirtualPath): Promise<Usage>;
  /** The directory that holds `path` is on the disk. */
  syncParent(path: VirtualPath): Promise<void>;
  /** Counts everything in the home, its own directory not. Links are counted, not followed. */
  measure(): Promise<Usage>;
  close(): Promise<void>;
}

/**
 * Unfinished uploads by id; ids come from the journal and are plain names. After loss of
 * power a part may be missing although its content was synced; whoever has its row
 * begins it anew.
 */
export interface Parts {
  /** A new, empty part, open for reading and writing. @throws FtpxError EXISTS */
  create(id: string): Promise<OpenFile>;
  /** @throws FtpxError NO_SUCH_PATH */
  open(id: string): Promise<OpenFile>;
  has(id: string): Promise<boolean>;
  /** Removing what is not there is no failure. */
  remove(id: string): Promise<void>;
  list(): Promise<string[]>;
  /** What the disk has left for them and for homes; undefined where the system does not tell. */
  freeBytes(): Promise<number | undefined>;
}
