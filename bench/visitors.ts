/**
 * A crowd of ftpx's own clients: each a process of the compiled executable with a shell that is
 * signed in, so that what is measured begins when all of them are there.
 */
import type { Bench } from "./bench.ts";
import { BINARY, linesOf } from "../test/e2e/binary.ts";
import type { FtpxServer } from "./peers/ftpx.ts";

/** More at once would have the processors do nothing but start them. */
const STARTING_MAX = 8;

export class Visitor {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "ignore">;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: Bun.Subprocess<"pipe", "pipe", "ignore">) {
    this.#child = child;
    this.#lines = linesOf(child.stdout)[Symbol.asyncIterator]();
  }

  static async enter({ ground }: Bench, server: FtpxServer): Promise<Visitor> {
    const child = Bun.spawn([BINARY, "connect", "--json", server.target("/")], {
      env: { ...process.env, FTPX_HOME: ground.path("ftpx"), FTPX_KEY: await ground.key("user") },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "ignore",
    });
    ground.undoLater(async () => {
      child.kill("SIGKILL");
      await child.exited;
    });
    const visitor = new Visitor(child);
    await visitor.#ask("whoami", (line) => "user" in line);
    return visitor;
  }

  /** @returns seconds from the command to its end */
  async copy(command: string): Promise<number> {
    const beganMs = performance.now();
    await this.#ask(command, ({ event }) => event === "done");
    return (performance.now() - beganMs) / 1000;
  }

  async leave(): Promise<void> {
    await this.#child.stdin.end();
    await this.#child.exited;
  }

  async #ask(command: string, isAnswer: (line: Record<string, unknown>) => boolean) {
    await this.#child.stdin.write(`${command}\n`);
    await this.#child.stdin.flush();
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done === true) throw new Error(`${command}: the client has ended`);
      const line = JSON.parse(value) as Record<string, unknown>;
      if (line["event"] === "failed") throw new Error(`${command}: ${String(line["message"])}`);
      if (isAnswer(line)) return;
    }
  }
}

export async function gather(
  bench: Bench,
  server: FtpxServer,
  count: number,
): Promise<readonly Visitor[]> {
  const visitors: Visitor[] = [];
  while (visitors.length < count) {
    const some = Math.min(STARTING_MAX, count - visitors.length);
    const entering = Array.from({ length: some }, async () => await Visitor.enter(bench, server));
    visitors.push(...(await Promise.all(entering)));
  }
  return visitors;
}
