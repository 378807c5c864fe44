/**
 * Tickets of requests for an account that were sent and are not answered yet, a file each in
 * `registrations/`. Who has a ticket hears what became of its request, and the same request
 * sent again with it is not a second one, so it is kept before it is sent.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { encodeText } from "../base/bytes.ts";
import { isKind } from "../base/errors.ts";
import { TICKET_BYTES } from "../base/limits.ts";
import { replaceFile } from "../base/replacement.ts";
import { localFailure } from "./copy.ts";

export class Tickets {
  readonly #directory: string;

  /** @param home see clientDirectory */
  constructor(home: string) {
    this.#directory = join(home, "registrations");
  }

  /** @throws FtpxError LOCAL_IO, … */
  async find(server: string, user: string): Promise<Uint8Array | undefined> {
    const file = this.#fileOf(server, user);
    try {
      const [first = ""] = (await readFile(file, "utf8")).split("\n", 1);
      const ticket = Buffer.from(first, "hex");
      return ticket.byteLength === TICKET_BYTES ? new Uint8Array(ticket) : undefined;
    } catch (error) {
      const failure = localFailure(error, file);
      if (isKind(failure, "NO_LOCAL_FILE")) return undefined;
      throw failure;
    }
  }

  /** @throws FtpxError LOCAL_IO, LOCAL_FULL, … */
  async keep(server: string, user: string, ticket: Uint8Array): Promise<void> {
    const file = this.#fileOf(server, user);
    const text = `${Buffer.from(ticket).toString("hex")}\n# ${user} on ${server}\n`;
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      await replaceFile(file, encodeText(text));
    } catch (error) {
      throw localFailure(error, file);
    }
  }

  /** @throws FtpxError LOCAL_IO, … */
  async forget(server: string, user: string): Promise<void> {
    const file = this.#fileOf(server, user);
    await rm(file, { force: true }).catch((error: unknown) => {
      throw localFailure(error, file);
    });
  }

  /** By a digest, because the name of a server need not be a name that a file can have. */
  #fileOf(server: string, user: string): string {
    const digest = createHash("sha256").update(`${user}\0${server}`).digest("hex");
    return join(this.#directory, digest.slice(0, 32));
  }
}
