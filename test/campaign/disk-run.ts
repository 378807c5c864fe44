/**
 * One small disk from its first account to its last check: a storm of puts into the last
 * room, everything on a full disk, restarts and kill -9 on it, and room again.
 *
 * After each of them nothing partial is to be seen, what was told to be stored is there,
 * and `ftpx check` finds nothing, on the full disk and with room again.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { RECOUNT_AGAIN_MS } from "../../src/base/limits.ts";
import type { Client } from "../../src/client/client.ts";
import type { Scene, Server } from "../e2e/binary.ts";
import { commitPiece, sendPiece } from "../e2e/wire.ts";
import type { Chance } from "../support/chance.ts";
import type { Campaign } from "./campaign.ts";
import { AccountsFile } from "./disk-accounts.ts";
import { Ballast } from "./disk-ballast.ts";
import { Brim } from "./disk-brim.ts";
import type { SmallDisk } from "./disk-mounts.ts";
import { Storm } from "./disk-storm.ts";
import type { Ground } from "./disk-storm.ts";
import { plantCanary, sha256Hex, violations, whatFails } from "./invariant.ts";
import { Watcher } from "./lines-watcher.ts";
import { serveIn } from "./rounds-ending.ts";
import { Guest, kindOf, openUpload, PASSWORD, putOnce, runClient } from "./rounds-peers.ts";

const MIB = 1024 * 1024;

/** What the storm finds, of what is scarce on the disk. */
const ROOM = { bytes: 2 * MIB, inodes: 20 } as const;

/** Findings that say the ledger is behind the disk. */
const UNTOLD = /"kind":"(?:usage|reservation|unsettled|missing-part)"/;

/** What a loaded machine may add. */
const SLACK_MS = 5_000;

/** An account for whatFails, whose files nobody watches. */
const PROBER = "prober";

const UNFINISHED = "/unfinished";
const PIECE_BYTES = 90_000;

export class SmallDiskRun {
  readonly #scene: Scene;
  readonly #disk: SmallDisk;
  readonly #campaign: Campaign;
  readonly #chance: Chance;
  readonly #ballast: Ballast;
  readonly #accounts: AccountsFile;
  readonly #guest = new Guest("ann");
  readonly #unfinished: Uint8Array;
  /** What the server holds of it. */
  #heldBytes = 0;
  readonly #counts = { starts: 0, startsRefused: 0, untold: 0, lateRecounts: 0 };

  constructor(scene: Scene, disk: SmallDisk, campaign: Campaign, chance: Chance) {
    this.#chance = chance;
    this.#scene = scene;
    this.#disk = disk;
    this.#campaign = campaign;
    this.#ballast = new Ballast(disk);
    this.#accounts = new AccountsFile(scene, campaign);
    this.#unfinished = chance.bytes(400_000);
  }

  async run(): Promise<Record<string, unknown>> {
    for (const user of [this.#guest.user, "spare", PROBER])
      await this.#scene.addUser(user, PASSWORD);
    const home = join(this.#scene.data, "storage", this.#guest.user);
    await mkdir(home, { recursive: true });
    const isUntouched = await plantCanary(this.#scene);
    const server = await serveIn(this.#scene);
    const watcher = new Watcher(this.#campaign, [home]);
    const chance = this.#chance;
    const ground = {
      scene: this.#scene,
      server,
      campaign: this.#campaign,
      chance,
      watcher,
      guest: this.#guest,
    };
    try {
      const storm = await this.#storm(ground);
      const brim = await this.#brim(ground, storm);
      const last = await this.#restarts(ground, storm);
      await this.#demandRoom({ ...ground, server: last }, storm, await this.#guest.signIn(last));
      await this.#stop(last);
      if (!(await isUntouched())) this.#fail("something changed beside the data directory");
      return { ...storm.counts, ...brim.counts, ...this.#accounts.counts, ...this.#counts };
    } finally {
      await watcher.stop();
      this.#guest.close();
    }
  }

  async #storm(ground: Ground): Promise<Storm> {
    this.#campaign.progress(`${this.#disk.kind.name}: puts into the last room`);
    const storm = new Storm(ground);
    this.#accounts.pad();
    this.#ballast.leave(ROOM[this.#disk.kind.scarce]);
    await Promise.all([
      storm.run(this.#campaign.number("puts")),
      this.#accounts.edit("in the last room"),
    ]);
    await this.#demandWhileFull("after the puts", storm);
    return storm;
  }

  async #brim(ground: Ground, storm: Storm): Promise<Brim> {
    const brim = new Brim(ground, this.#ballast);
    for (let count = 0; count < this.#campaign.number("brims"); count += 1) {
      this.#campaign.progress(`${this.#disk.kind.name}: full to the last byte`);
      this.#ballast.remove();
      this.#accounts.pad();
      await brim.prepare(`brim${count}`);
      const client = await this.#guest.signIn(ground.server);
      await brim.run(`brim${count}`);
      this.#ballast.brim();
      await this.#accounts.edit("on a full disk");
      await this.#demandWhileFull("on a full disk", storm);
      this.#ballast.remove();
      await this.#demandRoom(ground, storm, client);
    }
    return brim;
  }

  /** Ended with an upload under way, and started again where nothing can be written. */
  async #restarts(ground: Ground, storm: Storm): Promise<Server> {
    let { server } = ground;
    for (const how of ["stop", "kill", "kill again"] as const) {
      this.#campaign.progress(`${this.#disk.kind.name}: ${how} and start on a full disk`);
      const hasSpare = how !== "kill again";
      // Of inodes a server needs more than the one that a spare file gives back.
      const mustStart = hasSpare && this.#disk.kind.scarce === "bytes";
      // A start with room keeps some of it for one that has none.
      if (hasSpare) server = await this.#restart(server);
      await this.#leaveUnfinished(server);
      this.#ballast.brim();
      if (how === "stop") await this.#stop(server);
      else await server.kill();
      // What it gave back when it ended is gone too.
      this.#ballast.brim();
      server = await this.#start(how, mustStart);
      await this.#demandWhileFull(`after ${how} and start on a full disk`, storm);
      await this.#demandReading(server);
      this.#ballast.remove();
    }
    return server;
  }

  async #restart(server: Server): Promise<Server> {
    await this.#stop(server);
    return await serveIn(this.#scene);
  }

  async #stop(server: Server): Promise<void> {
    if ((await server.stop()) !== 0) this.#fail(`stop: not 0: ${await server.stderr}`);
    // Nobody has anything under way; a transfer that is open was forgotten.
    const { transfers } = await server.event("draining");
    if (transfers !== 0) this.#fail(`stop: ${String(transfers)} transfers were still open`);
  }

  /** @param mustStart or it may refuse to, as long as it says why */
  async #start(how: string, mustStart: boolean): Promise<Server> {
    this.#counts.starts += 1;
    try {
      return await serveIn(this.#scene);
    } catch (error) {
      this.#counts.startsRefused += 1;
      const reason = String(error);
      if (mustStart || !/disk is full|ENOSPC/.test(reason)) {
        this.#fail(`start after ${how} on a full disk: ${reason}`);
      }
      this.#ballast.remove();
      return await serveIn(this.#scene);
    }
  }

  /** An upload of which a part is there, and nobody who sends the rest. */
  async #leaveUnfinished(server: Server): Promise<void> {
    const client = await this.#guest.signIn(server);
    const { id, reply } = openUpload(client, UNFINISHED, this.#unfinished.byteLength);
    const { storedBytes } = await reply;
    this.#demandHeld(storedBytes);
    this.#heldBytes = storedBytes + PIECE_BYTES;
    await sendPiece(
      client,
      id,
      storedBytes,
      this.#unfinished.subarray(storedBytes, this.#heldBytes),
    );
    await client.call("closeTransfer", { transfer: id, isDiscarded: false });
    client.close();
  }

  async #finish(client: Client, watcher: Watcher): Promise<void> {
    const sha256 = sha256Hex(this.#unfinished);
    watcher.allow(join(this.#scene.data, "storage", this.#guest.user, UNFINISHED), sha256);
    const { id, reply } = openUpload(client, UNFINISHED, this.#unfinished.byteLength);
    const { storedBytes } = await reply;
    this.#demandHeld(storedBytes);
    this.#heldBytes = 0;
    await sendPiece(client, id, storedBytes, this.#unfinished.subarray(storedBytes));
    await commitPiece(client, id, this.#unfinished);
  }

  #demandHeld(storedBytes: number): void {
    if (storedBytes === this.#heldBytes) return;
    this.#fail(`of an unfinished upload ${storedBytes} bytes are held, not ${this.#heldBytes}`);
  }

  async #demandReading(server: Server): Promise<void> {
    const target = (path: string) => server.target(this.#guest.user, path);
    for (const words of [
      ["ls", target("/")],
      ["quota", target("/")],
      ["stat", target("/brim0")],
    ]) {
      const { status, stderr } = await runClient(this.#scene, words);
      if (status !== 0) this.#fail(`${words[0]} after a start on a full disk: ${stderr}`);
    }
  }

  /** There is room again: everything works at once. @param client signed in before */
  async #demandRoom(ground: Ground, storm: Storm, client: Client): Promise<void> {
    const { scene, watcher, server, chance } = ground;
    const local = scene.path("small-again");
    const content = chance.bytes(1000);
    await writeFile(local, content);
    watcher.allow(join(scene.data, "storage", this.#guest.user, "again"), sha256Hex(content));
    const kind = await kindOf(putOnce(client, local, "/again"));
    if (kind !== "done") this.#fail(`the next small put, with room again: ${kind}`);
    await this.#finish(client, watcher);
    client.close();
    for (const failure of await whatFails(scene, server, PROBER, PASSWORD)) this.#fail(failure);
    await this.#demandInvariant(storm);
  }

  /** What the database could not be told is allowed as long as it cannot be. */
  async #demandWhileFull(when: string, storm: Storm): Promise<void> {
    for (const finding of await violations(this.#scene, storm.told)) {
      if (UNTOLD.test(finding)) this.#counts.untold += 1;
      else this.#fail(`${when}: ${finding}`);
    }
  }

  /** What could not be counted is counted when its time has come. */
  async #demandInvariant(storm: Storm): Promise<void> {
    const deadlineMs = performance.now() + RECOUNT_AGAIN_MS + SLACK_MS;
    let findings = await violations(this.#scene, storm.told);
    if (findings.length > 0) this.#counts.lateRecounts += 1;
    while (findings.length > 0 && performance.now() < deadlineMs) {
      await Bun.sleep(500);
      findings = await violations(this.#scene, storm.told);
    }
    for (const finding of findings) this.#fail(`with room again: ${finding}`);
  }

  #fail(what: string): void {
    this.#campaign.fail(`${this.#disk.kind.name}: ${what}`);
  }
}
