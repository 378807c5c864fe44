/** What all doors have in common: what one is when it is open, and how it is refused an address. */
import { errorOfSystem, FtpxError } from "../base/errors.ts";

export interface OpenDoor {
  readonly host: string;
  readonly port: number;
  /** The operator's: it is closed after all others. */
  readonly isLast: boolean;
  /** To be called every WATCH_EVERY_MS. */
  watch(nowMs: number): void;
  /** No new connections; those that are open stay. */
  stop(): void;
}

/**
 * @param where the option and its address, or the file, for whoever reads the refusal
 * @throws FtpxError BAD_CONFIG, DISK_FULL
 */
export function listen<Listener>(where: string, open: () => Listener): Listener {
  try {
    return open();
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string };
    if (code === "ENOSPC") throw errorOfSystem(error);
    const reason = `cannot listen (${where}): ${code ?? message ?? ""}`;
    const hint = code === undefined ? undefined : HINTS[code];
    throw new FtpxError("BAD_CONFIG", { reason }, { hint });
  }
}

const HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program, or another server, has that port: stop it, or choose another one",
  EACCES: "ports below 1024 are for root alone: choose another one",
  EADDRNOTAVAIL: "that is no address of this machine; without a host all of them are meant",
};
