/**
 * What a campaign leaves behind when it is ended from outside: nothing. A scene and a server
 * that were begun here are also ended, at once and last begun first, when the process
 * gets SIGINT or SIGTERM.
 */
import { rmSync } from "node:fs";
import { Scene } from "../e2e/binary.ts";
import type { Server } from "../e2e/binary.ts";

const endings = new Set<() => void>();

process.on("exit", () => {
  for (const end of [...endings].toReversed()) end();
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));

/** Does this when the process ends, unless what is answered was called before. */
export function atExit(end: () => void): () => void {
  endings.add(end);
  return () => void endings.delete(end);
}

/** A scene whose folder goes with the process. */
export async function beginScene(): Promise<Scene> {
  const scene = await Scene.begin();
  atExit(() => rmSync(scene.folder, { recursive: true, force: true }));
  return scene;
}

/** A server that goes with the process. */
export async function serveIn(scene: Scene, ...options: string[]): Promise<Server> {
  const server = await scene.serve(...options);
  const forget = atExit(() => server.process.kill("SIGKILL"));
  void server.process.exited.then(forget);
  return server;
}
