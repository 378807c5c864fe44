/**
 * A server that says goodbye too early: the real one, from source, whose TLS ends properly, with
 * close_notify, after so many bytes of what it would say on a connection. Started by tests as a
 * program of its own, with the data directory; the number of bytes comes in lines on stdin, and
 * holds for connections that are made later.
 */
import type { TCPSocketListener } from "bun";
import { serve } from "../../src/cli/serve.ts";
import type { RawSocket } from "../../src/wire/link.ts";
import { linesOf } from "./binary.ts";
import { endAfter } from "./earlyend.ts";

const [data = ""] = process.argv.slice(2);
let bytesMax = Number.POSITIVE_INFINITY;

type Open = (socket: RawSocket) => void;
interface Options {
  readonly tls?: unknown;
  readonly socket: { open: Open };
}

const listen = Bun.listen as unknown as (options: Options) => TCPSocketListener;
(Bun as { listen: unknown }).listen = (options: Options) => {
  if (options.tls === undefined) return listen(options);
  const { open } = options.socket;
  const cutting: Open = (socket) => {
    endAfter(socket, bytesMax);
    open(socket);
  };
  return listen({ ...options, socket: { ...options.socket, open: cutting } });
};

void (async () => {
  for await (const line of linesOf(Bun.stdin.stream())) {
    bytesMax = Number(line);
    console.log(JSON.stringify({ event: "cutting", bytes: bytesMax }));
  }
})();

process.exitCode = await serve({ data, listen: "127.0.0.1:0", json: true } as never);
