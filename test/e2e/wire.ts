/**
 * Clients in this process, over the port of the compiled server: for what a test wants to hear
 * or send frame by frame.
 */
import { composeDigest } from "../../src/base/digest.ts";
import { FtpxError } from "../../src/base/errors.ts";
import { parsePath } from "../../src/base/path.ts";
import { DerivedKeys } from "../../src/base/scram.ts";
import type {
  Client,
  ReplyOf,
  RequestOf,
  StartedCall,
  TransferListener,
} from "../../src/client/client.ts";
import { connect } from "../../src/client/connect.ts";
import type { Endpoint } from "../../src/client/connect.ts";
import { CONTENT_PREFIX_BYTES } from "../../src/wire/frame.ts";
import type { Server } from "./binary.ts";

export function endpointOf({ port, fingerprint }: Server, localAddress?: string): Endpoint {
  return { host: "127.0.0.1", port, fingerprint, name: "test", localAddress };
}

/** A connection on which nobody has signed in. */
export async function greeted(server: Server, localAddress?: string): Promise<Client> {
  const { client } = await connect(endpointOf(server, localAddress), "test");
  return client;
}

export async function signedIn(server: Server, user = "ann", password = "pw"): Promise<Client> {
  const client = await greeted(server);
  await client.signIn(user, new DerivedKeys(() => password));
  return client;
}

const NO_PROOF = Buffer.alloc(32).toString("base64");

/**
 * A sign-in whose proof is made of nothing, so that it costs this side no derivation; the server
 * does with it what it does with any wrong one. @returns the kind of the refusal
 */
export async function guess(client: Client, user: string): Promise<string> {
  const first = `p=tls-exporter,,n=${user},r=aaaaaaaaaaaaaaaaaaaaaaaa`;
  try {
    const { message } = await client.call("scramFirst", { message: first });
    const nonce = /^r=([^,]+)/.exec(message)?.[1] ?? "";
    await client.call("scramFinal", { message: `c=AAAA,r=${nonce},p=${NO_PROOF}` });
    return "none";
  } catch (error) {
    if (error instanceof FtpxError) return error.kind;
    throw error;
  }
}

/** The request for an upload that forgets an earlier one, from a source that is the same for everybody. */
export function uploadOf(path: string, totalBytes: number): RequestOf<"openUpload"> {
  return {
    path: parsePath(path),
    totalBytes,
    modifiedMs: 1_700_000_000_000,
    source: new Uint8Array(32),
    algorithm: "sha256",
    isFresh: true,
    mayReplace: true,
  };
}

/** Hears nothing. */
export const DEAF: TransferListener = { notice: () => {}, failed: () => {} };

/** Opens an upload by hand. */
export function openUpload(
  client: Client,
  path: string,
  totalBytes: number,
  listener = DEAF,
): StartedCall<ReplyOf<"openUpload">> {
  return client.start("openUpload", uploadOf(path, totalBytes), listener);
}

/** As `openUpload`, with the kind of the failure by which the server ends it. */
export function openWatched(client: Client, path: string, totalBytes: number) {
  const failed = Promise.withResolvers<string>();
  const started = openUpload(client, path, totalBytes, {
    notice: () => {},
    failed: ({ kind }) => failed.resolve(kind),
  });
  return { ...started, failed: failed.promise };
}

/** Sends one piece of content by hand, copied; nothing when it is empty. */
export async function sendPiece(
  client: Client,
  id: number,
  offset: number,
  piece: Uint8Array,
): Promise<void> {
  if (piece.byteLength === 0) return;
  const frame = new Uint8Array(CONTENT_PREFIX_BYTES + piece.byteLength);
  frame.set(piece, CONTENT_PREFIX_BYTES);
  await client.sendContent(id, frame, offset, piece.byteLength);
}

/** Commits an upload of at most one chunk. */
export async function commitPiece(client: Client, id: number, content: Uint8Array): Promise<void> {
  const one = new Uint8Array(new Bun.CryptoHasher("sha256").update(content).digest());
  const { bytes: digest, chunks } = await composeDigest("sha256", [one]);
  await client.call("commit", { transfer: id, totalBytes: content.byteLength, digest, chunks });
}
