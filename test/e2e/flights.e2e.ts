/** What goes out together: over a long line every wait for an answer is a round trip. */
import { expect, test } from "bun:test";
import { TABLE } from "../../src/commands/table.ts";
import { Deframer } from "../../src/wire/deframer.ts";
import { BODY_BYTES_MAX } from "../../src/base/limits.ts";
import { Scene } from "./binary.ts";

/** Takes everything and answers nothing. */
class Mute {
  readonly commands: number[] = [];
  readonly #heard = Promise.withResolvers<void>();
  readonly #listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: (_socket, bytes) => this.#frames.push(bytes) },
  });
  readonly #frames: Deframer;

  /** @param count requests after which it has heard enough */
  constructor(count: number) {
    const frame = ({ command }: { command: number }) => {
      this.commands.push(command);
      if (this.commands.length === count) this.#heard.resolve();
    };
    this.#frames = new Deframer({ frame, content() {} }, BODY_BYTES_MAX);
  }

  get port(): number {
    return this.#listener.port;
  }

  get heard(): Promise<void> {
    return this.#heard.promise;
  }

  [Symbol.dispose](): void {
    this.#listener.stop(true);
  }
}

test("the greeting and the first step of the sign-in are one flight", async () => {
  const scene = await Scene.begin();
  using mute = new Mute(2);
  const words = ["ls", `ann@127.0.0.1:${mute.port}/`, "--plain", "--retries", "0"];
  const running = scene.run(words, { env: { FTPX_PASSWORD: "pw" } });
  await mute.heard;
  mute[Symbol.dispose]();

  // Nobody is there any more when it tries again.
  expect((await running).status).toBe(69);
  expect(mute.commands).toEqual([TABLE.hello.code, TABLE.scramFirst.code]);
  await scene.end();
});
