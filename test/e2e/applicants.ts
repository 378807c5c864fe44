/**
 * A server with one account, an operator and people who want an account, for the tests of
 * registration.
 */
import { readFile } from "node:fs/promises";
import { fakeVerifier, formatVerifier } from "../../src/base/verifier.ts";
import type { ReplyOf, RequestOf } from "../../src/client/client.ts";
import { anyJsonLines } from "../support/jsonlines.ts";
import { Scene, Server } from "./binary.ts";
import type { Ran } from "./binary.ts";
import { greeted } from "./wire.ts";

export const VERIFIER = formatVerifier(fakeVerifier(new Uint8Array(32), "x", []));

export class Desk {
  readonly scene: Scene;
  server: Server;
  #lastTicket = 0;

  private constructor(scene: Scene, server: Server) {
    this.scene = scene;
    this.server = server;
  }

  static async open(): Promise<Desk> {
    const scene = await Scene.begin();
    await scene.addUser("ann", "pw");
    return new Desk(scene, await scene.serve());
  }

  /** With the password "secret". */
  async register(user: string, ...options: string[]): Promise<Ran> {
    const words = ["register", this.server.target(user), "--password-stdin", ...options];
    return await this.scene.run(words, { stdin: "secret\n" });
  }

  async operate(...words: string[]): Promise<Ran> {
    return await this.scene.operate(...words);
  }

  /** On the same port, as clients know it. */
  async serveAgain(...options: string[]): Promise<void> {
    const listen = `127.0.0.1:${this.server.port}`;
    const words = ["serve", "--json", "--data", this.scene.data, "--listen", listen, ...options];
    this.server = await Server.open(this.scene.start(words));
  }

  async quotaAs(user: string, password = "secret"): Promise<Ran> {
    const env = { FTPX_PASSWORD: password };
    return await this.scene.run(["quota", this.server.target(user)], { env });
  }

  async pending(): Promise<Record<string, unknown>[]> {
    const { stdout } = await this.operate("pending", "--json");
    return anyJsonLines(stdout);
  }

  accountsFile(): Promise<Buffer> {
    return readFile(`${this.scene.data}/accounts.toml`);
  }

  /** Each on a connection of its own, because one may send a few only. */
  async send(wish: Partial<RequestOf<"register">>): Promise<ReplyOf<"register">> {
    const ticket = new Uint8Array(16);
    new DataView(ticket.buffer).setUint32(0, (this.#lastTicket += 1));
    const usual = { user: "bob", verifier: VERIFIER, note: "", ticket, invite: undefined };
    const client = await greeted(this.server);
    try {
      return await client.call("register", { ...usual, ...wish });
    } finally {
      client.close();
    }
  }
}
