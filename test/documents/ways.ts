/**
 * The table of what ftpx asks of a system that not every system has. A row is found in the code
 * by its words; where they stand is not written by hand, and words that no row has are a mistake.
 */
import fs from "node:fs";
import type { SystemWay } from "../../src/base/ways.ts";
import { fenced } from "./columns.ts";

const SOURCE = new URL("../../src/", import.meta.url).pathname;
const WIDTH = 100;

interface Row {
  /** Of base/ways.ts, where a build can go without. */
  readonly way?: SystemWay;
  readonly words: RegExp;
  readonly on: string;
  readonly serves: string;
  readonly otherwise: string;
  /** What the other way does not protect. */
  readonly lost: string;
}

export const ROWS: Readonly<Record<string, Row>> = {
  "openat2(2)": {
    way: "openat2",
    words: /\bOPENAT2\b|\bO_CLOEXEC\b/,
    on: "Linux 5.6",
    serves: "a path is resolved within a home, links that stay in it are followed",
    otherwise: "name by name through /proc/self/fd; every link is refused",
    lost: "nothing",
  },
  "renameat2(2), RENAME_NOREPLACE": {
    way: "renameat2",
    words: /\bRENAME_NOREPLACE\b/,
    on: "Linux 3.15",
    serves: "a directory that is renamed replaces nothing",
    otherwise:
      "a file by link(2) and unlink(2), a directory by a look and rename(2), one at a time",
    lost: "an empty directory that somebody makes from outside between the two",
  },
  "/proc/self/fd/N as a path": {
    way: "descriptor-paths",
    words: /"\/proc\/self\/fd"/,
    on: "Linux",
    serves: "what is done in a directory is done in the one that was opened",
    otherwise: "real paths; what was opened is compared with what was seen just before",
    lost:
      "the race between check and change, open to local users who can write the home (SECURITY.md); " +
      "trees deeper than a path is long are not counted or removed",
  },
  O_PATH: {
    way: "held-files",
    words: /\bO_PATH\b/,
    on: "Linux",
    serves: "a replaced file is freed after its directory was unlocked",
    otherwise: "freed within the rename",
    lost: "others wait for that directory: 0.3 s for 1 GiB",
  },
  O_NOFOLLOW: {
    way: "no-follow",
    words: /\bO_NOFOLLOW\b|\bNO_LINK\b/,
    on: "not Windows",
    serves: "a planted link leads nowhere",
    otherwise: "a look, an open that makes and empties nothing, a look; then the work",
    lost: "nothing for files; on Windows links need a privilege to be made",
  },
  O_DIRECTORY: {
    way: "directory-flag",
    words: /\bO_DIRECTORY\b|\bDIRECTORY_ONLY\b/,
    on: "not Windows",
    serves: "what is opened as a directory is one",
    otherwise: "a look before and after the open",
    lost: "nothing",
  },
  "O_NONBLOCK, O_NOCTTY": {
    words: /\bO_NONBLOCK\b|\bO_NOCTTY\b/,
    on: "not Windows",
    serves: "a FIFO or a terminal in a home holds no thread up",
    otherwise: "neither is in a file system of Windows; names of devices are refused",
    lost: "nothing",
  },
  "fsync(2) of a directory, and of what is open for reading": {
    way: "directory-sync",
    words: /mayUse\("directory-sync"\)|"NO_PERMISSION"\) \? resolve\(\)/,
    on: "not Windows",
    serves: "a new or renamed entry outlives a loss of power once it was acknowledged",
    otherwise: "content is synced; NTFS logs the entry and writes its log soon after",
    lost:
      "a loss of power right after the answer can take the entry: the old file is there then, " +
      "or none, and the next start counts what there is",
  },
  boot_id: {
    way: "boot-id",
    words: /boot_id/,
    on: "Linux",
    serves: "a download that goes on trusts what this boot of the machine has written",
    otherwise: "every chunk that is held is digested again",
    lost: "nothing; resuming reads what is held",
  },
  "/proc/self/limits, stat, status, fd": {
    way: "process-facts",
    words: /mayUse\("process-facts"\)|\/proc\/self\/(?:limits|stat|status)/,
    on: "Linux",
    serves:
      "the descriptor limit, the terminal's foreground, whether nohup(1) started us, open descriptors",
    otherwise: "the runtime's report, ps(1), sigaction(2), /dev/fd",
    lost: "on Windows none of them: no limit is known there, and the metric is left out",
  },
  "unix sockets": {
    way: "unix-socket",
    words: /\bunix: file\b/,
    on: "not Windows",
    serves: "the operator's commands reach the running server; the folder's mode is the guard",
    otherwise:
      "a loopback port with TLS, the server's pinned key and a secret of this run, both in a file of " +
      "that folder",
    lost: "any local user can connect and keep few connections waiting, and none gets further",
  },
  "setenv(3), sigaction(2)": {
    way: "thread-pool",
    words: /\bdlopen\b/,
    on: "not Windows",
    serves: "more threads for the disk than there are processors; whether SIGHUP is ignored",
    otherwise: "as many as the runtime has; set UV_THREADPOOL_SIZE where it matters",
    lost: "reads wait behind syncs",
  },
  "modes, owners, umask": {
    words: /\bhideFolder\b|\b(?:l?chown|chmod|umask|getuid)\b|\.mode\b|\bmode: 0o|0o[0-7]{3}\b/,
    on: "not Windows",
    serves: "what is private is for its owner alone, and is not used when it is not",
    otherwise: "storage/ gets an access list for its owner, the system and administrators",
    lost:
      "on Windows accounts.toml and FTPX_HOME are as private as the folders they stand in, and nobody " +
      "checks whether others can read a key",
  },
  "rename(2) over an open file": {
    words: /\brenamePatiently\b/,
    on: "not Windows",
    serves: "a file is replaced while others read it",
    otherwise: "tried again for RENAME_MS_MAX, then IN_USE",
    lost: "nothing is replaced until it is closed; what was sent is kept",
  },
  "fcntl(2) locks": {
    words: /\btryLock\b|locking_mode/,
    on: "everywhere",
    serves: "one server in a data directory, one command at a time in accounts.toml",
    otherwise: "SQLite's own: LockFileEx on Windows",
    lost: "nothing; on network file systems as much as they lock",
  },
  "names that are bytes": {
    words:
      /\bisWide\b|\bfitsWindows\b|\bdemandExact\b|"win32".*ESCAPED|: nameText\(found\)|normalize\("NFKD"\)/,
    on: "Linux",
    serves: "every name is what it says, and no other",
    otherwise:
      "names that mean something else on Windows are refused; another spelling is SAME_NAME",
    lost: "reading goes by any spelling; halves of UTF-16 pairs cannot be opened on Windows",
  },
  "SIGTERM, SIGHUP, SIGCONT": {
    words: /\bSIG(?:TERM|HUP|CONT|BREAK|INT)\b/,
    on: "not Windows",
    serves:
      "a server ends in good order, the audit log is opened anew, a shell shows its prompt again",
    otherwise: "Ctrl-C, Ctrl-Break, a closed window, ftpx drain",
    lost: "ending the process in Windows' task list is a crash; the next start mends what it left",
  },
  "sh, stty, ps, id": {
    words: /"\/bin\/sh"|"stty"|"ps"|Bun\.which\("id"\)/,
    on: "not Windows",
    serves: "`!` of the shell, keys typed while lines are painted, the comment of a new key",
    otherwise: "cmd.exe; the echo stays; the name of the machine alone",
    lost: "nothing",
  },
  "drive letters": {
    words: /\bisDrive\b/,
    on: "Windows",
    serves: "`sync c:\\files TARGET`: a drive is no bookmark",
    otherwise: "a word with a colon names a bookmark",
    lost: "nothing",
  },
  "folders of a platform": {
    words: /\bAPPDATA\b|XDG_CONFIG_HOME|"Library"/,
    on: "everywhere",
    serves: "FTPX_HOME: pins, bookmarks, tickets, history",
    otherwise: "~/.config, ~/Library/Application Support, %APPDATA%",
    lost: "nothing",
  },
};

/** What is not the same on every system. */
const SUSPECT =
  /\/proc\/|\/dev\/(?!null)|\bO_(?:PATH|NOFOLLOW|DIRECTORY|NONBLOCK|NOCTTY|CLOEXEC|TMPFILE|SYNC)\b|\bSIG(?!N)[A-Z]{3,}\b|\b(?:l?chown|l?chmod|umask|get[eu]?[ug]id)\(|\bdlopen\(|\bunix:|"stty"|"ps"/;

/** Where it is asked which system this is. */
const ASKING = /\bplatform ===|\bmayUse\(/;

interface Source {
  readonly path: string;
  /** Comments too: what is said of a system stands there. */
  readonly text: string;
  readonly code: string;
}

function sources(): Source[] {
  const names = fs.readdirSync(SOURCE, { recursive: true, encoding: "utf8" });
  return names
    .filter((name) => name.endsWith(".ts"))
    .toSorted()
    .map((path) => {
      const text = fs.readFileSync(SOURCE + path, "utf8");
      const code = text.replaceAll(/\/\*[^]*?\*\//g, "").replaceAll(/(^|\s)\/\/.*$/gm, "$1");
      return { path, text, code };
    });
}

/** Lines that use something of a system and are of no row, and files that ask for it and are of none. */
export function unnamedUses(): string[] {
  const rows = Object.values(ROWS);
  const isNamed = (text: string) => rows.some(({ words }) => words.test(text));
  return sources()
    .filter(({ path }) => path !== "base/ways.ts")
    .flatMap(({ path, code }) => {
      const lines = code.split("\n").filter((text) => SUSPECT.test(text) && !isNamed(text));
      if (ASKING.test(code) && !isNamed(code)) lines.push("asks for the platform");
      return lines.map((text) => `${path}: ${text.trim()}`);
    });
}

export function wayTable(): string {
  const all = sources();
  const parts = Object.entries(ROWS).map(([name, row]) => {
    const files = all.filter(({ path, text }) => path !== "base/ways.ts" && row.words.test(text));
    if (files.length === 0) throw new Error(`nothing in src is ${name}`);
    const off = row.way === undefined ? [] : [line("off by", row.way)];
    return [
      `${name} (${row.on})`,
      line("where", files.map(({ path }) => path).join(", ")),
      line("serves", row.serves),
      line("otherwise", row.otherwise),
      line("not then", row.lost),
      ...off,
    ].join("\n");
  });
  return fenced(parts.join("\n\n"));
}

const INDENT = 13;

/** A label and its text, wrapped behind it. */
function line(label: string, text: string): string {
  const lines = [`  ${label}`.padEnd(INDENT - 1)];
  for (const word of text.split(" ")) {
    const last = lines.at(-1) ?? "";
    if (`${last} ${word}`.length <= WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(" ".repeat(INDENT) + word);
  }
  return lines.join("\n");
}
