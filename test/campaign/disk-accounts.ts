/**
 * F6: accounts.toml while there is no room. A command that changes it fails, clearly, and
 * leaves every byte as it was, or it succeeds whole; nothing temporary is left beside it.
 */
import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Scene } from "../e2e/binary.ts";
import type { Campaign } from "./campaign.ts";

/** A multiple of what the file systems here give to a file at a time. */
const BLOCK_BYTES = 4096;

const PAD = "# a line to fill a block\n";

/** "does not fit" of cli.md. */
const DOES_NOT_FIT = 73;

export class AccountsFile {
  readonly counts = { edits: 0, editsRefused: 0 };
  readonly #scene: Scene;
  readonly #campaign: Campaign;

  constructor(scene: Scene, campaign: Campaign) {
    this.#scene = scene;
    this.#campaign = campaign;
  }

  /**
   * Fills the file up to the end of a block with comments, so that a new account needs a block
   * that the disk has not.
   */
  pad(): void {
    const file = join(this.#scene.data, "accounts.toml");
    const bytes = Buffer.byteLength(this.#text());
    const missing = BLOCK_BYTES - (bytes % BLOCK_BYTES) - PAD.length;
    const comments = PAD.repeat(Math.max(0, Math.floor(missing / PAD.length)));
    appendFileSync(file, comments);
  }

  /** Tries one change of each kind, of accounts that nobody uses meanwhile. */
  async edit(when: string): Promise<void> {
    const count = this.counts.edits;
    await this.#run(when, ["useradd", `new${count}`, "--password-stdin"], `[users.new${count}]`);
    await this.#run(
      when,
      ["usermod", "spare", "--quota", `${count + 1} GiB`],
      `"${count + 1} GiB"`,
    );
    await this.#run(when, ["passwd", "spare", "--password-stdin"], "[users.spare]");
  }

  async #run(when: string, words: readonly string[], mark: string): Promise<void> {
    const before = this.#text();
    const options = { stdin: "another password\n" };
    const { status, stderr } = await this.#scene.run(
      [...words, "--data", this.#scene.data],
      options,
    );
    const after = this.#text();
    const what = `F6: ${words[0]} ${when}`;
    this.counts.edits += 1;
    if (status === 0) this.#demandWhole(what, before, after, mark);
    else this.#demandUntouched(what, before, after, status, stderr);
    const left = readdirSync(this.#scene.data).filter((name) => /^accounts\.toml./.test(name));
    if (left.length > 0) this.#campaign.fail(`${what}: ${left.join()} is left`);
  }

  #demandUntouched(
    what: string,
    before: string,
    after: string,
    status: number,
    stderr: string,
  ): void {
    this.counts.editsRefused += 1;
    if (before !== after)
      this.#campaign.fail(`${what}: failed, and accounts.toml is not as before`);
    if (status !== DOES_NOT_FIT || !stderr.includes("the disk is full")) {
      this.#campaign.fail(`${what}: status ${status}: ${stderr.trim()}`);
    }
  }

  /** What stood there and belongs to others stands there still. */
  #demandWhole(what: string, before: string, after: string, mark: string): void {
    if (!after.includes(mark) || after === before) {
      this.#campaign.fail(`${what}: done, and not in accounts.toml`);
    }
    const others = before.split("\n").filter((line) => !/^(?:password|quota) = /.test(line));
    const lines = new Set(after.split("\n"));
    const lost = others.filter((line) => !lines.has(line));
    if (lost.length > 0) this.#campaign.fail(`${what}: lost of accounts.toml: ${lost.join()}`);
  }

  #text(): string {
    return readFileSync(join(this.#scene.data, "accounts.toml"), "utf8");
  }
}
