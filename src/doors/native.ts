/**
 * The native door: Bun.listen with TLS for users, without it on the loopback interface when
 * that was asked for, and for the operator a unix socket, or the loopback interface (passage.ts)
 * where the system has none.
 *
 * A connection gets its session when it is accepted, so that every deadline and every
 * bound holds from then on. Nothing is believed before the handshake has ended with
 * TLS 1.3 and our ALPN name; Bun lets a client without ALPN through, so that is
 * checked here. The operator's socket lies in a directory that only its owner enters.
 */
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { Socket, SocketHandler, TCPSocketListener } from "bun";
import { encodeText } from "../base/bytes.ts";
import { errorOfSystem, FtpxError } from "../base/errors.ts";
import { BODY_BYTES_MAX, CLOSE_MS_MAX, UNSIGNED_BODY_BYTES_MAX } from "../base/limits.ts";
import { formatOperatorPort, SECRET_BYTES } from "../base/operatorport.ts";
import { replaceFile } from "../base/replacement.ts";
import { mayUse } from "../base/ways.ts";
import { unmapped } from "../sessions/networks.ts";
import type { Registry } from "../sessions/registry.ts";
import type { Line } from "../sessions/session.ts";
import { sourceOf } from "../sessions/sources.ts";
import { Connection } from "../wire/connection.ts";
import { exportBinding, hasOurAlpn, isLoopback, PLAIN_BINDING, TLS_OPTIONS } from "../wire/tls.ts";
import { Dispatch } from "./dispatch.ts";
import { listen } from "./door.ts";
import type { OpenDoor } from "./door.ts";
import type { Identity } from "./identity.ts";
import { behindSecret } from "./passage.ts";
import { Refusals } from "./refusals.ts";

interface Peer {
  /** Where there is a refusal, only what tells it. */
  readonly connection: Connection | undefined;
  readonly refusal: FtpxError | undefined;
  /** The handshake has ended as it should. */
  readonly shaken?: () => void;
}

/** Until a socket is admitted or refused it has nobody, and its handlers must not mind. */
const NOBODY: Peer = { connection: undefined, refusal: undefined };

type PeerSocket = Socket<Peer>;

/** @throws FtpxError BAD_CONFIG when the address cannot be listened on */
export function openTlsDoor(registry: Registry, identity: Identity, address: Address): OpenDoor {
  const connections = new Connections(registry, "native", identity.fingerprint);
  const socket = { ...connections.handlers, handshake: greet };
  const place = { ...address, tls: tlsOf(identity) };
  return doorOf(connections, address, listenFor(socket, place, listenOption(address)));
}

interface Address {
  readonly hostname: string;
  readonly port: number;
}

function listenOption({ hostname, port }: Address): string {
  return `--listen ${hostname}:${port}`;
}

/** Whether a TLS door could be opened there now. @throws FtpxError as listen */
export function demandFree(address: Address): void {
  const options = { ...address, socket: { data: () => {} } };
  listen(listenOption(address), () => Bun.listen(options)).stop(true);
}

/** For tests, and for tunnels that end on this machine. @throws FtpxError BAD_CONFIG, USAGE */
export function openPlainDoor(registry: Registry, address: Address): OpenDoor {
  if (!isLoopback(address.hostname)) {
    throw new FtpxError("USAGE", { reason: "plain TCP is for loopback addresses only" });
  }
  const connections = new Connections(registry, "plain");
  const where = `--plain ${address.hostname}:${address.port}`;
  return doorOf(connections, address, listenFor(connections.handlers, address, where));
}

function doorOf(
  connections: Connections,
  { hostname: host }: Address,
  listener: TCPSocketListener<Peer>,
): OpenDoor {
  return {
    host,
    port: listener.port,
    isLast: false,
    watch: (nowMs) => connections.watch(nowMs),
    stop: () => listener.stop(),
  };
}

/** @param place address or file, and TLS where there is some @throws FtpxError as listen */
function listenFor(
  socket: SocketHandler<Peer>,
  place: Partial<Address> & { readonly unix?: string; readonly tls?: object },
  where: string,
): TCPSocketListener<Peer> {
  const options = { ...place, allowHalfOpen: true, data: NOBODY, socket };
  return listen(where, () => Bun.listen<Peer>(options as never));
}

function tlsOf({ keyPem: key, certificatePem: cert }: Identity) {
  return { ...TLS_OPTIONS, key, cert };
}

/** The operator's commands reach a running server here. @throws FtpxError BAD_CONFIG, DISK_FULL */
export async function openOperatorDoor(
  registry: Registry,
  identity: Identity,
  file: string,
): Promise<OpenDoor> {
  // A file that a killed server left would be in the way; the lock on the state says
  // that no other server uses it.
  await rm(file, { force: true }).catch((error: unknown) => {
    throw errorOfSystem(error);
  });
  const connections = new Connections(registry, "operator");
  const door = {
    host: file,
    port: 0,
    isLast: true,
    watch: (nowMs: number) => connections.watch(nowMs),
  };
  if (!mayUse("unix-socket")) {
    const stop = await openLoopback(connections, identity, file);
    return { ...door, stop };
  }
  const listener = listenFor(connections.handlers, { unix: file }, file);
  return { ...door, stop: () => listener.stop() };
}

/** @returns what closes it; the file says how it is reached */
async function openLoopback(
  connections: Connections,
  identity: Identity,
  file: string,
): Promise<() => void> {
  const { fingerprint } = identity;
  const secret = randomBytes(SECRET_BYTES);
  const socket = {
    ...behindSecret(secret, connections.handlers),
    handshake: (peer: PeerSocket, isOk: boolean) => {
      if (!isOk || !hasOurAlpn(peer)) peer.terminate();
    },
  };
  const place = { hostname: "127.0.0.1", port: 0, tls: tlsOf(identity) };
  const listener = listenFor(socket, place, file);
  try {
    const text = formatOperatorPort({ port: listener.port, fingerprint, secret });
    await replaceFile(file, encodeText(text));
  } catch (error) {
    listener.stop();
    throw error;
  }
  return () => {
    listener.stop();
    rmSync(file, { force: true });
  };
}

type DoorName = "native" | "plain" | "operator";

class Connections {
  readonly #registry: Registry;
  readonly #door: DoorName;
  readonly #open = new Set<Connection>();
  readonly #fingerprint: string | undefined;
  readonly #refusals = new Refusals();

  /** @param fingerprint of the key that the server shows there; none where there is no TLS */
  constructor(registry: Registry, door: DoorName, fingerprint?: string) {
    this.#registry = registry;
    this.#door = door;
    this.#fingerprint = fingerprint;
  }

  /** Synchronous, because a rejected handler would end the process and not the connection. */
  get handlers(): SocketHandler<Peer> {
    return {
      open: (socket) => this.#opened(socket),
      data: (socket, bytes) => socket.data.connection?.received(bytes),
      drain: (socket) => socket.data.connection?.drained(),
      end: (socket) => {
        if (socket.data.connection === undefined) socket.end();
        else socket.data.connection.peerFinished();
      },
      close: (socket, error) => this.#leave(socket, error),
      // Bun leaves a socket open whose handler threw.
      error: (socket, error) => {
        socket.data.connection?.socketClosed(error);
        socket.terminate();
      },
    };
  }

  watch(nowMs: number): void {
    for (const connection of this.#open) connection.watch(nowMs);
  }

  #opened(socket: PeerSocket): void {
    socket.data = NOBODY;
    try {
      socket.data = this.#admit(socket);
    } catch (error) {
      if (!(error instanceof FtpxError)) throw error;
      this.#refuse(socket, error);
    }
  }

  /** @throws FtpxError what Registry.admit throws */
  #admit(socket: PeerSocket): Peer {
    const door = this.#door;
    const fingerprint = this.#fingerprint;
    const line: Line = {
      door,
      ...(fingerprint === undefined ? {} : { fingerprint }),
      address: door === "operator" ? "local" : unmapped(socket.remoteAddress),
      get binding() {
        if (door === "operator") return undefined;
        return door === "native" ? exportBinding(socket) : PLAIN_BINDING;
      },
      get isHeld() {
        return dispatch.connection.isHeld;
      },
      widen: () => (dispatch.connection.bodyBytesMax = BODY_BYTES_MAX),
      close: (reason) => dispatch.connection.fail(reason),
      drop: () => dispatch.connection.terminate(),
    };
    const isOperator = door === "operator";
    const session = isOperator ? this.#registry.admitOperator(line) : this.#registry.admit(line);
    const dispatch = new Dispatch(
      session,
      (owner) => new Connection(socket, owner, UNSIGNED_BODY_BYTES_MAX, checkOf(door)),
    );
    if (isOperator) session.signInOperator();
    this.#open.add(dispatch.connection);
    const shaken = () => void (session.hasShakenHands = true);
    if (door !== "native") shaken();
    return { connection: dispatch.connection, refusal: undefined, shaken };
  }

  /** The peer hears why after the handshake, if it gets that far soon; where there is none, at once. */
  #refuse(socket: PeerSocket, refusal: FtpxError): void {
    const address = this.#door === "operator" ? "" : unmapped(socket.remoteAddress);
    if (!this.#refusals.begin(sourceOf(address), performance.now())) {
      socket.terminate();
      return;
    }
    // First of all, because terminating runs `close`, which looks here.
    socket.data = { connection: undefined, refusal };
    setTimeout(() => socket.terminate(), CLOSE_MS_MAX).unref();
    if (this.#door !== "native") sayFarewell(socket, refusal, this.#door);
  }

  #leave(socket: PeerSocket, error: Error | undefined): void {
    const { connection, refusal } = socket.data;
    if (refusal !== undefined) this.#refusals.end();
    if (connection === undefined) return;
    this.#open.delete(connection);
    connection.socketClosed(error);
  }
}

function greet(socket: PeerSocket, isOk: boolean): void {
  const { connection, refusal, shaken } = socket.data;
  // Bun lets a client through that offers no ALPN at all.
  if (!isOk || !hasOurAlpn(socket)) socket.terminate();
  else if (shaken !== undefined) shaken();
  else if (connection === undefined && refusal !== undefined) {
    sayFarewell(socket, refusal, "native");
  }
}

/** Over TCP without TLS nothing else would prove a request. */
function checkOf(door: DoorName): { isChecked: boolean } {
  return { isChecked: door === "plain" };
}

function sayFarewell(socket: PeerSocket, refusal: FtpxError, door: DoorName): void {
  const nobody = { frame: () => {}, content: () => {}, closed: () => {}, defect: () => {} };
  const connection = new Connection(socket, nobody, UNSIGNED_BODY_BYTES_MAX, checkOf(door));
  // It has to hear of the peer's end, or its deadline would hold the process.
  socket.data = { connection, refusal };
  connection.fail(refusal);
}
