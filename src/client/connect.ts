/**
 * The way to a server: TCP, TLS 1.3, the pinned key, the greeting.
 *
 * Nothing is sent before the handshake has ended and the server's key was found to be
 * the pinned one.
 */
import { X509Certificate } from "node:crypto";
import { lstat, readFile } from "node:fs/promises";
import type { Socket } from "bun";
import { FtpxError, isKind } from "../base/errors.ts";
import { fingerprintOf } from "../base/fingerprint.ts";
import { CONNECT_MS_MAX } from "../base/limits.ts";
import { parseOperatorPort } from "../base/operatorport.ts";
import { exportBinding, hasOurAlpn, isLoopback, PLAIN_BINDING, TLS_OPTIONS } from "../wire/tls.ts";
import { Client } from "./client.ts";
import { brokenHandshake, CLOSED, failed, isBroken, noAnswer, unreachable } from "./unreached.ts";
import type { Refusal } from "./unreached.ts";

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** The pinned key; without one any key is taken and reported. */
  readonly fingerprint: string | undefined;
  /** For messages: `HOST:PORT`. */
  readonly name: string;
  /** Without TLS, on this machine only. */
  readonly isPlain?: boolean;
  /** For messages: the file in which the pin stands. */
  readonly pinFile?: string;
  /** The address of this machine to come from; else the system chooses. */
  readonly localAddress?: string | undefined;
}

export interface Connected {
  readonly client: Client;
  readonly fingerprint: string;
  readonly server: string;
  /** That the server lets one session have open. */
  readonly transfersMax: number;
}

export interface Greeting {
  readonly features?: string[];
  /** Asks, in the same flight, for what does not depend on the reply. */
  readonly onGreeted?: (client: Client) => Promise<void>;
}

/**
 * Connects and greets; `fingerprint` is empty without TLS.
 *
 * @throws FtpxError UNREACHABLE, NOT_FTPX, TLS_FAILED, CHANGED_KEY, and what `onGreeted` throws
 */
export async function connect(
  endpoint: Endpoint,
  software: string,
  { features = [], onGreeted }: Greeting = {},
): Promise<Connected> {
  const isPlain = endpoint.isPlain === true;
  const { client, fingerprint } = isPlain
    ? { client: await connectPlain(endpoint), fingerprint: "" }
    : await shakeHands(endpoint);
  try {
    const greeting = client.call("hello", { client: software, features });
    const rest = onGreeted?.(client);
    // What is wrong with the greeting says more than what that did to the rest.
    rest?.catch(() => {});
    const { server, transfersMax } = await greeting;
    await rest;
    return { client, fingerprint, server, transfersMax };
  } catch (error) {
    client.close();
    if (isPlain && isKind(error, "CONNECTION_LOST")) await demandPlain(endpoint);
    throw error;
  }
}

/**
 * A server with TLS ends a connection that begins without; what it says then is often lost with the
 * connection, so it is asked once more. @throws FtpxError NOT_FTPX
 */
async function demandPlain({ host, port, name, localAddress }: Endpoint): Promise<void> {
  const asked = lookAt({ host, port, name, localAddress, fingerprint: undefined });
  const hasTls = await asked.then(
    () => true,
    () => false,
  );
  if (!hasTls) return;
  const details = { host: name, reason: "it speaks TLS" };
  throw new FtpxError("NOT_FTPX", details, { hint: "leave out --plain" });
}

/** The key that a server shows, without a byte of the protocol. @throws FtpxError as `connect` */
export async function lookAt(endpoint: Endpoint): Promise<string> {
  const { client, fingerprint } = await shakeHands(endpoint);
  client.close();
  return fingerprint;
}

interface Peer {
  client: Client | undefined;
}

type PeerSocket = Socket<Peer>;

/** The socket lies where only the operator gets in: that is the sign-in. */
const noBinding = () => new Uint8Array(0);

/** The server of this machine whose operator's socket that is. @throws FtpxError UNREACHABLE */
export async function connectOperator(file: string): Promise<Client> {
  const text = await readRegular(file);
  if (text !== undefined) return await connectPort(file, text);
  const isOperators = true;
  return await connectBare(
    { unix: file },
    file,
    (socket) => new Client(socket, noBinding, { isOperators }),
  );
}

/** What a server has written who has no unix sockets; nothing where there is one. */
async function readRegular(file: string): Promise<string | undefined> {
  const stats = await lstat(file).catch(() => undefined);
  return stats?.isFile() === true ? await readFile(file, "utf8").catch(() => "") : undefined;
}

/** The loopback port of a file that only the operator can read. @throws FtpxError UNREACHABLE */
async function connectPort(file: string, text: string): Promise<Client> {
  const found = parseOperatorPort(text);
  if (found === undefined) throw unreachable(file, "not written by a server");
  const { port, fingerprint, secret } = found;
  const clientOf = (socket: PeerSocket): Client => {
    if (socket.write(secret) !== secret.byteLength) throw unreachable(file, "cut");
    return new Client(socket, noBinding, { isOperators: true });
  };
  try {
    const endpoint = { host: "127.0.0.1", port, fingerprint, name: file };
    return (await shakeHands(endpoint, clientOf)).client;
  } catch (error) {
    // What answers there is not the server that has written the file.
    if (isKind(error, "NOT_FTPX", "TLS_FAILED", "CHANGED_KEY")) throw unreachable(file, error);
    throw error;
  }
}

/** @throws FtpxError UNREACHABLE, USAGE for another machine */
async function connectPlain({ host, port, name, localAddress }: Endpoint): Promise<Client> {
  if (!isLoopback(host)) {
    throw new FtpxError("USAGE", { reason: "--plain is for servers on this machine only" });
  }
  return await connectBare(
    { hostname: host, port, localAddress },
    name,
    (socket) => new Client(socket, () => PLAIN_BINDING, { isChecked: true }),
  );
}

async function connectBare(
  address: object,
  name: string,
  clientOf: (socket: PeerSocket) => Client,
): Promise<Client> {
  const { promise, resolve, reject } = Promise.withResolvers<Client>();
  const peer: Peer = { client: undefined };
  const refuse = (cause: unknown) => reject(unreachable(name, cause));
  const open = (socket: PeerSocket): void => {
    peer.client = clientOf(socket);
    resolve(peer.client);
  };
  const socket = { ...handlersOf(peer, refuse), open };
  const options = { ...address, data: peer, allowHalfOpen: true, socket };
  Bun.connect<Peer>(options as never).catch(refuse);
  return await promise;
}

function shakeHands(
  endpoint: Endpoint,
  clientOf = clientOverTls,
): Promise<{ client: Client; fingerprint: string }> {
  const { host, port, name, localAddress } = endpoint;
  return new Promise((resolve, reject) => {
    const peer: Peer = { client: undefined };
    let opened: PeerSocket | undefined;
    let isRefused = false;
    const refuse = (cause: unknown, socket = opened): void => {
      isRefused = true;
      clearTimeout(timer);
      // First the reason: terminating calls `close`, which knows a worse one.
      reject(cause instanceof FtpxError ? cause : failed(name, cause, opened !== undefined));
      socket?.terminate();
    };
    const timer = setTimeout(() => refuse(noAnswer(opened !== undefined)), CONNECT_MS_MAX);
    const handshake = (socket: PeerSocket, isOk: boolean, cause: Refusal): void => {
      try {
        // Bun calls a certificate that nobody has signed a failure too: ours never is signed.
        if (!isOk && isBroken(cause)) throw brokenHandshake(name, cause);
        const fingerprint = trustedFingerprint(socket, endpoint);
        clearTimeout(timer);
        peer.client = clientOf(socket, fingerprint);
        resolve({ client: peer.client, fingerprint });
      } catch (error) {
        refuse(error, socket);
      }
    };
    // TCP's `open` comes before the handshake and means nothing yet.
    const open = (socket: PeerSocket): void => {
      opened = socket;
      // Too late: without this nobody would ever close it.
      if (isRefused) socket.terminate();
    };
    const socket = { ...handlersOf(peer, refuse), open, handshake };
    const tls = { ...TLS_OPTIONS, rejectUnauthorized: false };
    const address = { hostname: host, port, localAddress };
    const options = { ...address, data: peer, allowHalfOpen: true, tls, socket };
    Bun.connect<Peer>(options as never).catch(refuse);
  });
}

function clientOverTls(socket: PeerSocket, fingerprint: string): Client {
  return new Client(socket, () => exportBinding(socket), { fingerprint });
}

/** What holds for every socket; a failure before there is a client goes to `refuse`. */
function handlersOf(peer: Peer, refuse: (cause: unknown) => void) {
  const closed = (error?: Error): void => {
    peer.client?.connection.socketClosed(error);
    refuse(error ?? CLOSED);
  };
  return {
    data: (_socket: PeerSocket, bytes: Uint8Array) => peer.client?.connection.received(bytes),
    drain: () => peer.client?.connection.drained(),
    end: (ended: PeerSocket) => {
      if (peer.client === undefined) ended.terminate();
      else peer.client.connection.peerFinished();
    },
    close: (_socket: PeerSocket, error?: Error) => closed(error),
    // Bun leaves a socket open whose handler threw.
    error: (socket: PeerSocket, error: Error) => {
      closed(error);
      socket.terminate();
    },
    connectError: (_socket: PeerSocket, error: Error) => refuse(error),
  };
}

/** @throws FtpxError NOT_FTPX, TLS_FAILED, CHANGED_KEY */
function trustedFingerprint(socket: Socket<Peer>, endpoint: Endpoint): string {
  const { name, fingerprint: expected, pinFile } = endpoint;
  if (!hasOurAlpn(socket)) {
    throw new FtpxError("NOT_FTPX", { host: name, reason: "it speaks another protocol in TLS" });
  }
  const certificate: unknown = socket.getPeerCertificate();
  const raw = (certificate as { raw?: Uint8Array } | null)?.raw;
  if (raw === undefined)
    throw new FtpxError("TLS_FAILED", { host: name, reason: "no certificate" });
  const fingerprint = fingerprintOf(new X509Certificate(raw).publicKey);
  if (expected !== undefined && expected !== fingerprint) {
    const details = { host: name, expected, fingerprint };
    throw new FtpxError(
      "CHANGED_KEY",
      pinFile === undefined ? details : { ...details, file: pinFile },
    );
  }
  return fingerprint;
}
