/**
 * `ftpx keygen`: a key pair to sign in with, in the files that ssh-keygen would write.
 *
 * Nothing that exists is ever replaced: a key that is gone cannot be had again. The private
 * file is there for its owner alone from its first byte on.
 */
import crypto from "node:crypto";
import fs from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { FtpxError, isKind } from "../base/errors.ts";
import { formatKeyLine, keyFingerprint } from "../base/keyblob.ts";
import { SigningKey } from "../base/signature.ts";
import { localFailure } from "../client/copy.ts";
import { formatKeyFile } from "../client/keyfile.ts";
import { clientDirectory } from "../client/trust.ts";
import { JSON_LINES } from "./args.ts";
import type { OptionsOf, Spec } from "./args.ts";
import { givenPassphrase } from "./credentials.ts";
import { visible } from "./escaping.ts";
import { askPassword } from "./hidden.ts";
import { canAsk, writeJson, writeLine, writeNote } from "./terminal.ts";
import { shellWord } from "./words.ts";

const OPTIONS = {
  noPassphrase: {
    flags: "--no-passphrase",
    about: "leave the private key unencrypted, for scripts",
  },
  comment: { flags: "--comment <text>", about: "what the key is called (USER@HOST)" },
  json: JSON_LINES,
} as const;

export const KEYGEN: Spec<typeof OPTIONS> = {
  name: "keygen",
  about: "Makes an Ed25519 key pair to sign in with; FILE is FTPX_HOME/key unless it is named",
  usage: "[FILE]",
  words: [0, 1],
  options: OPTIONS,
  examples: ["ftpx keygen", "ftpx keygen ~/.ssh/backup --no-passphrase"],
};

export async function keygen(
  [word]: readonly string[],
  options: OptionsOf<typeof OPTIONS>,
): Promise<void> {
  const file = word ?? (await defaultFile());
  const publicFile = `${file}.pub`;
  const comment = commentOf(options.comment);
  // Before anybody thinks of a passphrase for nothing.
  for (const path of [file, publicFile]) await demandFree(path);
  const passphrase = options.noPassphrase === true ? "" : await newPassphrase(file);
  const seed = crypto.randomBytes(32);
  const { publicKey } = new SigningKey(seed);
  const line = formatKeyLine(publicKey, comment);
  await writeNew(file, formatKeyFile({ seed, publicKey, comment }, passphrase), 0o600);
  seed.fill(0);
  try {
    await writeNew(publicFile, `${line}\n`, 0o644);
  } catch (error) {
    await fs.rm(file, { force: true });
    throw error;
  }
  const fingerprint = keyFingerprint(publicKey);
  if (options.json === true) {
    writeJson({ event: "keygen", file, publicFile, publicKey: line, fingerprint });
    return;
  }
  writeLine(visible(line));
  writeNote(
    [
      `256 ${fingerprint} ${visible(comment)} (ED25519)`,
      "",
      "for the operator of the server:",
      "",
      `    ftpx usermod NAME --add-key ${visible(shellWord(line))}`,
      "",
      "to sign in:",
      "",
      `    ftpx connect --key ${visible(shellWord(file))} TARGET`,
    ].join("\n"),
  );
}

async function defaultFile(): Promise<string> {
  const directory = clientDirectory(process.env);
  const file = join(directory, "key");
  try {
    await fs.mkdir(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw localFailure(error, directory);
  }
  return file;
}

/** @throws FtpxError USAGE */
function commentOf(text: string | undefined): string {
  const comment = text ?? `${userName()}@${hostname()}`;
  if (/\p{Cc}/u.test(comment) || !comment.isWellFormed()) {
    throw new FtpxError("USAGE", { reason: "a comment has no control characters" });
  }
  return comment.trim();
}

/** Bun 1.4.5 knows no user whom the environment does not name: the system is asked. */
function userName(): string {
  const named = process.env["USER"] ?? process.env["LOGNAME"] ?? "";
  if (named !== "") return named;
  const isThere = process.platform !== "win32" && Bun.which("id") !== null;
  const told = isThere ? Bun.spawnSync(["id", "-un"]).stdout.toString().trim() : "";
  return told === "" ? userInfo().username : told;
}

/** @throws FtpxError LOCAL_EXISTS, LOCAL_IO, NO_LOCAL_FILE for a directory that is not there */
async function demandFree(path: string): Promise<void> {
  try {
    await fs.lstat(path);
  } catch (error) {
    const failure = localFailure(error, path);
    if (!isKind(failure, "NO_LOCAL_FILE")) throw failure;
    await fs.stat(dirname(path)).catch((problem: unknown) => {
      throw localFailure(problem, dirname(path));
    });
    return;
  }
  throw new FtpxError("LOCAL_EXISTS", { path });
}

/** Twice in a terminal. @throws FtpxError NO_PASSPHRASE, USAGE, INTERRUPTED */
async function newPassphrase(file: string): Promise<string> {
  const given = givenPassphrase();
  if (given !== undefined) return given;
  if (!canAsk()) throw new FtpxError("NO_PASSPHRASE", { path: file });
  const first = await askPassword(`passphrase for ${file}`);
  if (first === "") {
    const reason = "an empty passphrase protects nothing; --no-passphrase says that it is meant";
    throw new FtpxError("USAGE", { reason });
  }
  if (first !== (await askPassword("the same again"))) {
    throw new FtpxError("USAGE", { reason: "the two passphrases differ" });
  }
  return first;
}

/** @throws FtpxError LOCAL_EXISTS, LOCAL_FULL, LOCAL_IO */
async function writeNew(path: string, text: string, mode: number): Promise<void> {
  try {
    const handle = await fs.open(path, "wx", mode);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } catch (error) {
      // Half a key is none, and would be in the way.
      await fs.rm(path, { force: true });
      throw error;
    } finally {
      await handle.close();
    }
  } catch (error) {
    const failure = localFailure(error, path);
    if (isKind(failure, "EXISTS")) throw new FtpxError("LOCAL_EXISTS", { path });
    throw failure;
  }
}
