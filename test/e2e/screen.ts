/** A real terminal for tests: tmux shows what a person would see, and types what they would type. */
import { join } from "node:path";
import { BINARY, Scene } from "./binary.ts";
import type { Server } from "./binary.ts";

/** Of ann, where a person signs in. */
export const PASSWORD = "hunter-of-words";

/** A server with an account of ann's, for whoever types. */
export async function openStage(): Promise<{ scene: Scene; server: Server }> {
  const scene = await Scene.begin();
  await scene.addUser("ann", PASSWORD);
  return { scene, server: await scene.serve() };
}

/** A terminal in which one command runs, and then says its status. */
export class Screen {
  static readonly #open = new Set<Screen>();
  readonly #socket: string;

  private constructor(socket: string) {
    this.#socket = socket;
  }

  /**
   * @param env   more variables, as a shell writes them
   * @param setup what the shell does before
   */
  static async open(
    { folder }: Scene,
    words: string,
    columns = 100,
    env = "TERM=xterm",
    setup = ":",
  ): Promise<Screen> {
    const all = `env -i PATH="$PATH" HOME=${folder} FTPX_HOME=${join(folder, "home")} ${env}`;
    const command = `cd ${folder}; ${setup}; ${all} ${BINARY} ${words}; echo status $?; stty -a; exec sleep 60`;
    return await Screen.run(command, columns, 50);
  }

  /** @param command for sh */
  static async run(command: string, columns: number, rows: number): Promise<Screen> {
    const screen = new Screen(`ftpx-${crypto.randomUUID()}`);
    Screen.#open.add(screen);
    const size = ["-x", String(columns), "-y", String(rows)];
    await screen.#tmux("new-session", "-d", "-s", "s", ...size, command);
    return screen;
  }

  async type(...keys: string[]): Promise<void> {
    await this.#tmux("send-keys", "-t", "s", ...keys);
  }

  /** As from a clipboard: all of it in one piece. */
  async paste(text: string): Promise<void> {
    await this.#tmux("set-buffer", text);
    await this.#tmux("paste-buffer", "-t", "s");
  }

  /** The process of the executable, as the terminal's children have it. */
  async pid(): Promise<number> {
    const shell = (await this.#tmux("list-panes", "-t", "s", "-F", "#{pane_pid}")).trim();
    const found = Bun.spawnSync(["pgrep", "-P", shell]).stdout.toString().trim();
    return Number(found.split("\n")[0]);
  }

  /** All processes of the terminal. */
  async pids(): Promise<number[]> {
    const session = (await this.#tmux("list-panes", "-t", "s", "-F", "#{pane_pid}")).trim();
    // Nothing, and 0, would be the test's own session.
    if (!(Number(session) > 1)) throw new Error("the terminal has ended");
    const found = Bun.spawnSync(["pgrep", "-s", session]).stdout.toString().trim();
    return found.split("\n").map(Number);
  }

  async text(): Promise<string> {
    return await this.#tmux("capture-pane", "-t", "s", "-p", "-S", "-200");
  }

  /** As `text`, with the sequences that colour it; `isVisible` leaves out what has scrolled away. */
  async painted(isVisible = false): Promise<string> {
    const from = isVisible ? [] : ["-S", "-200"];
    return await this.#tmux("capture-pane", "-t", "s", "-p", "-e", ...from);
  }

  /** What a program has named the window. */
  async title(): Promise<string> {
    return await this.#tmux("display-message", "-t", "s", "-p", "#{pane_title}");
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

  /** Types the answer to a question that hides it: the terminal listens a moment after it is asked. */
  async answer(question: string | RegExp, answer: string): Promise<void> {
    await this.shows(question);
    await Bun.sleep(300);
    await this.type(answer, "Enter");
  }

  /** What `stty -a` says of the terminal after the command: it must echo and edit lines again. */
  async isSane(): Promise<boolean> {
    await this.resize(120);
    const text = await this.shows("extproc");
    return ["icanon", "echo", "isig"].every((mode) => text.split(/[\s;]+/).includes(mode));
  }

  async resize(columns: number): Promise<void> {
    await this.#tmux("resize-window", "-t", "s", "-x", String(columns), "-y", "50");
  }

  /** Those of tests that failed too. */
  static async closeAll(): Promise<void> {
    for (const screen of Screen.#open) await screen.close();
  }

  /** Closes all, and ends the scene that they were opened in. */
  static async endAll(scene: Scene): Promise<void> {
    await Screen.closeAll();
    await scene.end();
  }

  async close(): Promise<void> {
    Screen.#open.delete(this);
    await this.#tmux("kill-server");
  }

  async #tmux(...words: string[]): Promise<string> {
    const child = Bun.spawn(["tmux", "-L", this.#socket, ...words], { stderr: "ignore" });
    return await new Response(child.stdout).text();
  }
}
