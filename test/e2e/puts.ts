/** Puts that take a while, because they keep to a rate: what a server stops under, or tells of. */
import { EAGER_BYTES_MAX } from "../../src/base/limits.ts";
import { linesOf, makeFile } from "./binary.ts";
import type { Scene } from "./binary.ts";

export interface Put {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  /** The server has some of it. */
  readonly begun: Promise<void>;
  readonly ended: Promise<{ status: number; stderr: string }>;
}

/** A put of so many MiB, so many of them a second, by a user whose password is "pw". */
export function startPut(
  scene: Scene,
  name: string,
  target: string,
  mib: number,
  mibPerSecond: number,
): Put {
  const bytes = mib * 1024 * 1024;
  const sha256 = makeFile(scene.path(name), bytes, bytes + name.length);
  const words = ["put", scene.path(name), target, "--json", "--limit", `${mibPerSecond}MiB`];
  const child = scene.start(words, { env: { FTPX_PASSWORD: "pw" } });
  const begun = Promise.withResolvers<void>();
  const follow = async () => {
    const stderr = new Response(child.stderr).text();
    for await (const line of linesOf(child.stdout)) {
      const event = JSON.parse(line) as { event: string; bytes?: number };
      // So much is sent before the server has answered.
      if ((event.bytes ?? 0) > EAGER_BYTES_MAX) begun.resolve();
    }
    begun.resolve();
    return { status: await child.exited, stderr: await stderr };
  };
  return { name, bytes, sha256, begun: begun.promise, ended: follow() };
}
