/**
 * Somebody who just works, while others do what they must not: signs in, lists, puts a file, gets
 * it back and removes it, and says how long that took.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parsePath } from "../../src/base/path.ts";
import { getOnce, putOnce } from "../campaign/rounds-peers.ts";
import type { Guest } from "../campaign/rounds-peers.ts";
import type { Scene, Server } from "../e2e/binary.ts";

export class GoodClient {
  readonly #server: Server;
  readonly #guest: Guest;
  readonly #sent: string;
  readonly #back: string;
  #visits = 0;
  #slowestMs = 0;
  #last: Promise<number> = Promise.resolve(0);

  constructor(scene: Scene, server: Server, guest: Guest) {
    this.#server = server;
    this.#guest = guest;
    this.#sent = scene.path("good.sent");
    this.#back = scene.path("good.back");
  }

  get visits(): number {
    return this.#visits;
  }

  get slowestMs(): number {
    return this.#slowestMs;
  }

  /** One after the other. @returns how many milliseconds it took @throws what went wrong */
  visit(): Promise<number> {
    const visit = this.#last.then(() => this.#visit());
    // The next one comes all the same.
    this.#last = visit.catch(() => 0);
    return visit;
  }

  async #visit(): Promise<number> {
    this.#visits += 1;
    const text = `good ${this.#visits}`;
    writeFileSync(this.#sent, text);
    const beganMs = performance.now();
    const client = await this.#guest.signIn(this.#server);
    try {
      const path = parsePath("/good");
      await client.call("list", { path: parsePath("/"), cursor: 0 });
      await putOnce(client, this.#sent, path);
      await getOnce(client, path, this.#back);
      if (readFileSync(this.#back, "utf8") !== text) throw new Error("another file came back");
      await client.call("remove", { path, isRecursive: false });
    } finally {
      client.close();
    }
    const tookMs = Math.round(performance.now() - beganMs);
    // The first one warms up.
    if (this.#visits > 1) this.#slowestMs = Math.max(this.#slowestMs, tookMs);
    return tookMs;
  }
}
