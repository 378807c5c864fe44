/** Who hears of a connection's frames and of its end, and remembers all of it. */
import type { FtpxError } from "../../src/base/errors.ts";
import type { ConnectionOwner } from "../../src/wire/connection.ts";
import { Listener } from "./listener.ts";

export class Owner extends Listener implements ConnectionOwner {
  readonly reasons: FtpxError[] = [];
  readonly defects: unknown[] = [];
  /** Thrown at the next frame. */
  trouble: unknown;

  override frame(...heard: Parameters<Listener["frame"]>): void {
    super.frame(...heard);
    if (this.trouble !== undefined) throw this.trouble;
  }

  closed(reason: FtpxError): void {
    this.reasons.push(reason);
  }

  defect(error: unknown): void {
    this.defects.push(error);
  }
}
