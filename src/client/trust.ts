/**
 * Which server has which key: one line a server in `known_servers`, pinned at first
 * contact and never changed by itself.
 */
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { FtpxError, isKind } from "../base/errors.ts";
import { isFingerprint } from "../base/fingerprint.ts";
import { localFailure } from "./copy.ts";

export class Trust {
  readonly file: string;
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    this.file = join(directory, "known_servers");
  }

  /** The pin of a server, if it was met before. @throws FtpxError BAD_CONFIG */
  async find(server: string): Promise<string | undefined> {
    return pinsIn(await readIfThere(this.file), this.file).get(server);
  }

  /**
   * Adds a line; what a person or another command wrote stays, and the last line of a
   * server counts. @throws FtpxError BAD_CONFIG, LOCAL_IO
   */
  async pin(server: string, fingerprint: string): Promise<void> {
    const text = await readIfThere(this.file);
    pinsIn(text, this.file);
    const gap = text === "" || text.endsWith("\n") ? "" : "\n";
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      const line = `${gap}${server} ${fingerprint}\n`;
      await appendFile(this.file, line, { mode: 0o600, flush: true });
    } catch (error) {
      throw homeFailure(error, this.file);
    }
  }
}

function pinsIn(text: string, file: string): Map<string, string> {
  const pins = new Map<string, string>();
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [server, fingerprint, ...rest] = line.trim().split(/\s+/);
    if (server === undefined || !isFingerprint(fingerprint ?? "") || rest.length > 0) {
      const reason = `${file}:${index + 1}: not "HOST:PORT sha256:FINGERPRINT"`;
      throw new FtpxError("BAD_CONFIG", { reason });
    }
    pins.set(server, fingerprint ?? "");
  }
  return pins;
}

/** FTPX_HOME, or the platform's configuration folder. */
export function clientDirectory(env: Record<string, string | undefined>): string {
  if (env["FTPX_HOME"] !== undefined && env["FTPX_HOME"] !== "") return env["FTPX_HOME"];
  if (process.platform === "win32") return join(env["APPDATA"] ?? homedir(), "ftpx");
  if (process.platform === "darwin")
    return join(homedir(), "Library", "Application Support", "ftpx");
  return join(env["XDG_CONFIG_HOME"] ?? join(homedir(), ".config"), "ftpx");
}

/** A place for the client's own files that cannot be one is a mistake of whoever set it up. */
export function homeFailure(error: unknown, file: string): unknown {
  const failure = localFailure(error, file);
  if (!isKind(failure, "LOCAL_PATH", "NO_PERMISSION", "IS_A_DIRECTORY", "NAME_TOO_LONG"))
    return failure;
  const reason = `${file}: ${REASONS[failure.kind]}`;
  const hint = "FTPX_HOME says where ftpx keeps its own files";
  return new FtpxError("BAD_CONFIG", { reason }, { cause: failure.cause, hint });
}

const REASONS = {
  LOCAL_PATH: "something on the way to it is not a directory",
  NO_PERMISSION: "the operating system refuses access",
  IS_A_DIRECTORY: "is a directory",
  NAME_TOO_LONG: "the path is too long",
} as const;

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const failure = homeFailure(error, file);
    if (isKind(failure, "NO_LOCAL_FILE")) return "";
    throw failure;
  }
}
