/** The signals that stop a server: the first lets open transfers end, the second does not. */

/** The first signal drains; a second one, or another, ends the process at once. */
export function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    let isStopping = false;
    const signals = { SIGTERM: 143, SIGINT: 130, ...(process.stdout.isTTY ? { SIGHUP: 129 } : {}) };
    for (const [signal, status] of Object.entries(signals)) {
      process.on(signal, () => {
        if (isStopping) process.exit(status);
        isStopping = true;
        resolve(signal);
      });
    }
  });
}
