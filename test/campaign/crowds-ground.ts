/**
 * What the crowds of crowds.ts stand on: a server with many accounts of one password, clients
 * that come from loopback addresses of their own, and what a server holds: memory, descriptors,
 * time of the processor. No address is used by many, so that no bound of a source is met.
 */
import { readFileSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import type { Socket } from "bun";
import { DerivedKeys } from "../../src/base/scram.ts";
import { formatVerifier, makeVerifier } from "../../src/base/verifier.ts";
import { Client } from "../../src/client/client.ts";
import { exportBinding, PLAIN_BINDING, TLS_OPTIONS } from "../../src/wire/tls.ts";
import { Scene } from "../e2e/binary.ts";
import type { Server } from "../e2e/binary.ts";
import { cpuSecondsOf, descriptorCountOf, residentBytesOf } from "../support/process.ts";

export const PASSWORD = "pw";
export const MIB = 1024 * 1024;

/** Accounts of one crowd: no bound of a user is met. */
export const USERS_MAX = 500;

/** The nth of them; any of 127.0.0.0/8 is this machine. */
export function addressOf(index: number): string {
  const rest = index + 1;
  return `127.${20 + ((rest >> 16) % 200)}.${(rest >> 8) & 255}.${rest & 255}`;
}

export const userOf = (index: number) => `u${index % USERS_MAX}`;

/** This process, and those that it starts, may have as many descriptors as the system lets them. */
export function allowDescriptors(): void {
  const limits = readFileSync("/proc/self/limits", "utf8");
  const hard = /^Max open files\s+\d+\s+(\d+)/m.exec(limits)?.[1] ?? "1024";
  Bun.spawnSync(["prlimit", `--pid=${process.pid}`, `--nofile=${hard}:${hard}`]);
}

/** A scene with accounts u0 to u499, whose password is the same. */
export async function crowdedScene(): Promise<Scene> {
  const scene = await Scene.begin();
  await scene.addUser("ann", PASSWORD);
  const verifier = formatVerifier(await makeVerifier(PASSWORD));
  const tables = Array.from(
    { length: USERS_MAX },
    (_hole, index) => `\n[users.${userOf(index)}]\npassword = "${verifier}"\n`,
  );
  await appendFile(`${scene.data}/accounts.toml`, tables.join(""));
  return scene;
}

export interface Guest {
  readonly client: Client;
  /** Reads nothing from here on. */
  deafen(): void;
}

export interface Address {
  readonly port: number;
  readonly localAddress: string;
  readonly isPlain?: boolean;
}

/** Connects and greets. */
export async function comeIn({ port, localAddress, isPlain = false }: Address): Promise<Guest> {
  const { promise, resolve, reject } = Promise.withResolvers<Guest>();
  let client: Client | undefined;
  const begin = (socket: Socket<unknown>) => {
    client = isPlain
      ? new Client(socket, () => PLAIN_BINDING, { isChecked: true })
      : new Client(socket, () => exportBinding(socket));
    resolve({ client, deafen: () => socket.pause() });
  };
  const gone = (cause?: unknown) => {
    client?.connection.socketClosed(cause);
    reject(new Error("no way in", { cause }));
  };
  const socket = {
    ...(isPlain ? { open: begin } : { handshake: begin }),
    data: (_socket: unknown, bytes: Uint8Array) => client?.connection.received(bytes),
    drain: () => client?.connection.drained(),
    end: (peer: { terminate(): void }) => {
      if (client === undefined) peer.terminate();
      else client.connection.peerFinished();
    },
    close: (_socket: unknown, error?: unknown) => gone(error),
    error: (_socket: unknown, error: unknown) => gone(error),
  };
  const tls = isPlain ? {} : { tls: { ...TLS_OPTIONS, rejectUnauthorized: false } };
  const options = {
    hostname: "127.0.0.1",
    port,
    localAddress,
    allowHalfOpen: true,
    ...tls,
    socket,
  };
  Bun.connect(options as never).catch(reject);
  const guest = await promise;
  await guest.client.call("hello", { client: "crowd", features: [] });
  return guest;
}

/** Derived once for all accounts, because their verifier is one. */
const keys = new DerivedKeys(() => PASSWORD);

export async function signInFrom(address: Address, user: string): Promise<Guest> {
  const guest = await comeIn(address);
  await guest.client.signIn(user, keys);
  return guest;
}

/** Runs `work` for 0 to count − 1, so many at a time. */
export async function inLanes(
  lanes: number,
  count: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** What the server's process holds. */
export class Vitals {
  readonly #pid: number;

  constructor({ process }: Server) {
    this.#pid = process.pid;
  }

  get rssBytes(): number {
    return residentBytesOf(this.#pid);
  }

  get rssMib(): number {
    return Math.round(this.rssBytes / MIB);
  }

  get descriptors(): number {
    return descriptorCountOf(this.#pid);
  }

  get cpuSeconds(): number {
    return cpuSecondsOf(this.#pid);
  }
}

/** In milliseconds, rounded to tenths. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
  return Math.round(value * 10) / 10;
}
