/**
 * What TLS in this runtime gives at most: bytes from memory to memory, or to a file that is
 * synced, without a protocol, a digest or a disk to read from. A program of its own:
 *
 *   bun bench/pump.ts serve CERT KEY              says its port
 *   bun bench/pump.ts get PORT BYTES [FILE]
 */
import { randomFillSync } from "node:crypto";
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import type { Socket } from "bun";

const BLOCK = randomFillSync(new Uint8Array(512 * 1024));
/** Received and not yet written. */
const WAITING_BYTES_MAX = 8 * 1024 * 1024;

function pump(socket: Socket): void {
  let taken = BLOCK.byteLength;
  while (taken === BLOCK.byteLength) taken = socket.write(BLOCK, 0, BLOCK.byteLength);
}

function serve(cert: string, key: string): void {
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    tls: { cert: Bun.file(cert), key: Bun.file(key) },
    socket: { data: pump, drain: pump },
  });
  console.log(listener.port);
}

class Sink {
  readonly #file: FileHandle | undefined;
  readonly #bytes: number;
  readonly #done = Promise.withResolvers<void>();
  #received = 0;
  #written = 0;

  constructor(bytes: number, file: FileHandle | undefined) {
    this.#bytes = bytes;
    this.#file = file;
  }

  get done(): Promise<void> {
    return this.#done.promise;
  }

  take(socket: Socket, bytes: Uint8Array): void {
    const wanted = bytes.subarray(0, this.#bytes - this.#received);
    const position = this.#received;
    this.#received += wanted.byteLength;
    if (this.#file === undefined) this.#settle(wanted.byteLength);
    else if (wanted.byteLength > 0) {
      void this.#write(this.#file, wanted, position).then(() => socket.resume());
      if (this.#received - this.#written > WAITING_BYTES_MAX) socket.pause();
    }
  }

  async #write(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
    let written = 0;
    while (written < bytes.byteLength) {
      const left = bytes.byteLength - written;
      written += (await file.write(bytes, written, left, position + written)).bytesWritten;
    }
    this.#settle(written);
  }

  #settle(bytes: number): void {
    this.#written += bytes;
    if (this.#written >= this.#bytes) this.#done.resolve();
  }
}

async function get(port: number, bytes: number, path: string | undefined): Promise<void> {
  const file = path === undefined ? undefined : await open(path, "w");
  const sink = new Sink(bytes, file);
  await Bun.connect({
    hostname: "127.0.0.1",
    port,
    tls: { rejectUnauthorized: false },
    socket: {
      handshake: (socket) => void socket.write("go"),
      data: (socket, received) => sink.take(socket, received),
    },
  });
  await sink.done;
  await file?.sync();
  process.exit(0);
}

const [mode, first = "", second = "", third] = process.argv.slice(2);
if (mode === "serve") serve(first, second);
else await get(Number(first), Number(second), third);
