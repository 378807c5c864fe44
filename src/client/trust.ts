/**
 * Which server has which key: one line a server in `known_servers`, pinned at first
 * contact and never changed by itself.
 */
import { mkdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { errorOfSystem, FtpxError, isKind } from "../base/errors.ts";
import { encodeText } from "../base/bytes.ts";
import { isFingerprint } from "../base/fingerprint.ts";
import { replaceFile } from "../base/replacement.ts";

export class Trust {
  readonly file: string;
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    this.file = join(directory, "known_servers");
  }

  /** The pin of a server, if it was met before. @throws FtpxError BAD_CONFIG */
  async find(server: string): Promise<string | undefined> {
    return (await this.#read()).get(server);
  }

  async pin(server: string, fingerprint: string): Promise<void> {
    const pins = await this.#read();
    pins.set(server, fingerprint);
    const text = [...pins].map(([name, pin]) => `${name} ${pin}\n`).join("");
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await replaceFile(this.file, encodeText(text));
  }

  async #read(): Promise<Map<string, string>> {
    const pins = new Map<string, string>();
    for (const [index, line] of (await readIfThere(this.file)).split("\n").entries()) {
      if (line.trim() === "" || line.startsWith("#")) continue;
      const [server, fingerprint, ...rest] = line.trim().split(/\s+/);
      if (server === undefined || !isFingerprint(fingerprint ?? "") || rest.length > 0) {
        const reason = `${this.file}:${index + 1}: not "HOST:PORT sha256:FINGERPRINT"`;
        throw new FtpxError("BAD_CONFIG", { reason });
      }
      pins.set(server, fingerprint ?? "");
    }
    return pins;
  }
}

/** FTPX_HOME, or the platform's configuration folder. */
export function clientDirectory(env: Record<string, string | undefined>): string {
  if (env["FTPX_HOME"] !== undefined && env["FTPX_HOME"] !== "") return env["FTPX_HOME"];
  if (process.platform === "win32") return join(env["APPDATA"] ?? homedir(), "ftpx");
  if (process.platform === "darwin")
    return join(homedir(), "Library", "Application Support", "ftpx");
  return join(env["XDG_CONFIG_HOME"] ?? join(homedir(), ".config"), "ftpx");
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const failure = errorOfSystem(error);
    if (isKind(failure, "NO_SUCH_PATH")) return "";
    throw failure;
  }
}
