/**
 * What a run of the benchmarks stands on: a scratch folder, and everything that was started. All
 * of it is taken back in reverse, at the end, after a failure and on Ctrl-C; processes are ended
 * by their number.
 */
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { run } from "./errand.ts";
import { descendantsOf, sessionsEnded } from "./processes.ts";

export class Ground {
  readonly folder: string;
  readonly #undone: (() => Promise<void>)[] = [];
  readonly #made = new Map<string, Promise<unknown>>();
  #ending: Promise<void> | undefined;

  private constructor(folder: string) {
    this.folder = folder;
    this.undoLater(async () => await rm(folder, { recursive: true, force: true }));
  }

  /** @param stop ends what is under way when a signal comes */
  static async begin(stop: () => void = () => {}): Promise<Ground> {
    const folder = await mkdtemp(join(tmpdir(), "ftpx-bench-"));
    // Servers that change their user have to get through.
    await chmod(folder, 0o755);
    const ground = new Ground(folder);
    for (const [signal, status] of SIGNALS) {
      const leave = () => {
        stop();
        void ground.end().finally(() => process.exit(status));
      };
      process.once(signal, leave);
      ground.undoLater(async () => void process.off(signal, leave));
    }
    return ground;
  }

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  undoLater(undo: () => Promise<void>): void {
    this.#undone.push(undo);
  }

  /** Starts a process that is ended with the ground. */
  start(words: readonly string[], env: Record<string, string> = {}): Subprocess<"ignore", "pipe"> {
    const child = Bun.spawn([...words], {
      cwd: this.folder,
      env: { ...process.env, HOME: this.folder, ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
    });
    this.undoLater(async () => {
      // Sessions that it forked would outlive it, as long as they do not hear that their client
      // has gone; and it is the one to reap them.
      for (const pid of descendantsOf(child.pid)) end(pid);
      await sessionsEnded(child.pid, SESSIONS_MS_MAX);
      child.kill("SIGTERM");
      const killing = setTimeout(() => child.kill("SIGKILL"), 3000);
      await child.exited;
      clearTimeout(killing);
    });
    return child;
  }

  /** What was made under this name, made when it is asked for first. */
  async once<Made>(name: string, make: () => Promise<Made>): Promise<Made> {
    const made = this.#made.get(name) ?? make();
    this.#made.set(name, made);
    return (await made) as Made;
  }

  /** An Ed25519 key pair without a passphrase: FILE and FILE.pub. */
  async key(name: string): Promise<string> {
    return await this.once(`key ${name}`, async () => {
      await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", this.path(name)]);
      return this.path(name);
    });
  }

  /** The folder that the servers of all peers serve; not the user of each made it. */
  async peersHome(): Promise<string> {
    const home = this.path("served", "peers");
    await mkdir(home, { recursive: true });
    await chmod(home, 0o777);
    return home;
  }

  /** A certificate for peers that want one, and its key. */
  async certificate(): Promise<{ cert: string; key: string }> {
    const [cert, key] = [this.path("peer.crt"), this.path("peer.key")];
    await this.once("certificate", async () => {
      const words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"];
      await run([...words, "-subj", "/CN=bench", "-out", cert, "-keyout", key]);
    });
    return { cert, key };
  }

  end(): Promise<void> {
    this.#ending ??= this.#undoAll();
    return this.#ending;
  }

  async #undoAll(): Promise<void> {
    for (let undo = this.#undone.pop(); undo !== undefined; undo = this.#undone.pop()) {
      await undo().catch((error: unknown) => console.error(`bench: ${String(error)}`));
    }
  }
}

const SESSIONS_MS_MAX = 1000;

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

const SIGNALS = [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const;
