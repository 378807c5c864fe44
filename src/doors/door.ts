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
    throw new FtpxError("BAD_CONFIG", {
      reason: `cannot listen (${where}): ${code ?? message ?? ""}`,
    });
  }
}
