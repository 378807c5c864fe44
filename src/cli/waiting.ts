/**
 * What a person sees who waits for the operator of a server: on a terminal a live line with the
 * time that has passed, and why nothing comes while the server is away; elsewhere a line at the
 * beginning, and one for each new reason.
 */
import { formatDuration } from "../base/units.ts";
import { visible } from "./escaping.ts";
import { shorten } from "./layout.ts";
import { isScreen, repaint, showLive, writeNote } from "./terminal.ts";
import { describe } from "./trouble.ts";

export class WaitingLine {
  readonly #server: string;
  readonly #beganMs = performance.now();
  #trouble: string | undefined;
  #stop: (() => void) | undefined;

  constructor(server: string) {
    this.#server = server;
    if (!isScreen(process.stderr)) {
      writeNote("waiting for the answer");
      return;
    }
    const hide = showLive((columns) => [shorten(this.#text(columns - 1), columns - 1)]);
    const timer = setInterval(repaint, 1000);
    this.#stop = () => {
      clearInterval(timer);
      hide();
    };
  }

  reached(): void {
    this.#trouble = undefined;
  }

  missed(error: unknown): void {
    const [reason = ""] = describe(error);
    if (this.#stop === undefined && this.#trouble !== reason) writeNote(reason);
    this.#trouble = reason;
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  #text(columns: number): string {
    if (this.#trouble !== undefined) return `${this.#trouble}; trying again`;
    const elapsedMs = Math.floor((performance.now() - this.#beganMs) / 1000) * 1000;
    const time = elapsedMs < 60_000 ? `${elapsedMs / 1000} s` : formatDuration(elapsedMs);
    const long = `waiting for the operator of ${visible(this.#server)}, ${time}; Ctrl-C ends the waiting`;
    return Bun.stringWidth(long) <= columns ? long : `waiting, ${time}; Ctrl-C ends it`;
  }
}
