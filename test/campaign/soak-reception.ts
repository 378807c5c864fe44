/**
 * Strangers of soak.ts: somebody asks for an account, and the operator says no, or yes; who got
 * one signs in with it and loses it again. One at a time, since each changes accounts.toml.
 */
import { FtpxError } from "../../src/base/errors.ts";
import { formatVerifier, makeVerifier } from "../../src/base/verifier.ts";
import type { Chance } from "../support/chance.ts";
import type { Scene, Server } from "../e2e/binary.ts";
import { greeted, signedIn } from "../e2e/wire.ts";

const PASSWORD = "stranger";

export class Reception {
  readonly counts = { approved: 0, denied: 0, tooMany: 0 };
  readonly #scene: Scene;
  readonly #server: Server;
  readonly #chance: Chance;
  #verifier: string | undefined;
  #last: Promise<void> = Promise.resolve();
  #number = 0;

  constructor(scene: Scene, server: Server, chance: Chance) {
    this.#scene = scene;
    this.#server = server;
    this.#chance = chance;
  }

  /** Behind those that came before. @throws when it does not go as it should */
  async serveOne(): Promise<void> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    try {
      await this.#serve();
    } finally {
      resolve();
    }
  }

  async #serve(): Promise<void> {
    this.#number += 1;
    const user = `guest${this.#number}`;
    if (!(await this.#hasAsked(user))) {
      this.counts.tooMany += 1;
      return;
    }
    if (this.#chance.percent(50)) {
      await this.#operate("deny", user, "--reason", "soak");
      this.counts.denied += 1;
      return;
    }
    await this.#server.reloadAfter(() => this.#operate("approve", user));
    await this.#signIn(user);
    await this.#server.reloadAfter(() => this.#operate("userdel", user, "--purge"));
    this.counts.approved += 1;
  }

  /** A source may ask so often in an hour, and then no more. */
  async #hasAsked(user: string): Promise<boolean> {
    this.#verifier ??= formatVerifier(await makeVerifier(PASSWORD));
    const ticket = this.#chance.bytes(16);
    const request = { user, verifier: this.#verifier, note: "soak", ticket, invite: undefined };
    const client = await greeted(this.#server);
    try {
      await client.call("register", request);
      return true;
    } catch (error) {
      if (error instanceof FtpxError && error.kind === "REGISTERED_OFTEN") return false;
      throw error;
    } finally {
      client.close();
    }
  }

  async #signIn(user: string): Promise<void> {
    const client = await signedIn(this.#server, user, PASSWORD);
    try {
      await client.call("quota", {});
    } finally {
      client.close();
    }
  }

  async #operate(...words: string[]): Promise<void> {
    const { status, stderr } = await this.#scene.operate(...words);
    if (status !== 0) throw new Error(`${words.join(" ")}: status ${status}: ${stderr}`);
  }
}
