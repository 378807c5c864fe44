/**
 * The signals that stop a server: the first lets open transfers end, the second does not. Windows
 * has no SIGTERM: there a server is stopped by Ctrl-C, by Ctrl-Break or by `ftpx drain`.
 */

/** 128 and the signal's number. */
const STATUSES = { SIGTERM: 143, SIGINT: 130 } as const;

/** Of those that a terminal sends: its end, and Ctrl-Break. */
function terminalsOwn(platform: NodeJS.Platform): Readonly<Record<string, number>> {
  return { SIGHUP: 129, ...(platform === "win32" ? { SIGBREAK: 149 } : {}) };
}

/** The first signal drains; a second one, or another, ends the process at once. */
export function stopSignal(platform: NodeJS.Platform = process.platform): Promise<string> {
  return new Promise((resolve) => {
    let isStopping = false;
    const signals = { ...STATUSES, ...(process.stdout.isTTY ? terminalsOwn(platform) : {}) };
    for (const [signal, status] of Object.entries(signals)) {
      process.on(signal, () => {
        if (isStopping) process.exit(status);
        isStopping = true;
        resolve(signal);
      });
    }
  });
}
