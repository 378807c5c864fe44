/** A real terminal: tmux types, and what its screen shows is compared. */
import { BINARY } from "./binary.ts";
import type { Scene } from "./binary.ts";

export class Pane {
  readonly #socket = `ftpx-${crypto.randomUUID()}`;

  /** Runs a command line of the executable; `status N` is on the screen when it has ended. */
  static async open(scene: Scene, words: string, variables = ""): Promise<Pane> {
    const pane = new Pane();
    const env = `env -i PATH="$PATH" TERM=xterm HOME=${scene.folder} FTPX_HOME=${scene.path("home")}`;
    const run = `${env} ${variables} ${BINARY} ${words}`;
    // What the terminal is like afterwards is shown too.
    const command = `cd ${scene.folder}; ${run}; echo status $?; stty -a | grep -o '.echo\\b\\|.icanon\\b'; exec cat`;
    await pane.#tmux("new-session", "-d", "-s", "s", "-x", "100", "-y", "50", command);
    return pane;
  }

  async type(...keys: string[]): Promise<void> {
    await this.#tmux("send-keys", "-t", "s", ...keys);
  }

  /** As from a clipboard: all of it in one piece. */
  async paste(text: string): Promise<void> {
    await this.#tmux("set-buffer", text);
    await this.#tmux("paste-buffer", "-t", "s");
  }

  async text(): Promise<string> {
    return await this.#tmux("capture-pane", "-t", "s", "-p", "-S", "-200");
  }

  /** Waits until the screen shows this, and answers all that it shows. */
  async shows(wanted: string | RegExp): Promise<string> {
    const deadlineMs = performance.now() + 15_000;
    for (;;) {
      const text = await this.text();
      if (typeof wanted === "string" ? text.includes(wanted) : wanted.test(text)) return text;
      if (performance.now() > deadlineMs) throw new Error(`no ${String(wanted)} in:\n${text}`);
      await Bun.sleep(50);
    }
  }

  /** The process of the executable, as the terminal's children have it. */
  async pid(): Promise<number> {
    const shell = (await this.#tmux("list-panes", "-t", "s", "-F", "#{pane_pid}")).trim();
    const found = Bun.spawnSync(["pgrep", "-P", shell]).stdout.toString().trim();
    return Number(found.split("\n")[0]);
  }

  async close(): Promise<void> {
    await this.#tmux("kill-server");
  }

  async #tmux(...words: string[]): Promise<string> {
    const child = Bun.spawn(["tmux", "-L", this.#socket, ...words], { stderr: "ignore" });
    return await new Response(child.stdout).text();
  }
}
