/** The last words of a copy whose server does not come back, and what Ctrl-C finds before them. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { makeFile, Scene } from "./binary.ts";
import type { Server } from "./binary.ts";

const PASSWORD = { env: { FTPX_PASSWORD: "pw" } };

let scene: Scene;
let server: Server;

beforeEach(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  server = await scene.serve();
  makeFile(scene.path("f"), 40 * 1024 * 1024);
});

afterEach(() => scene.end());

/** A put whose server is killed when some of the content has come. */
async function putToTheDead(retries: string) {
  const line = scene.line(server.port);
  const target = server.target("ann", "/f", line.port);
  const words = ["put", scene.path("f"), target, "--limit", "16M", "--retries", retries];
  const child = scene.start(words, PASSWORD);
  while (line.toServerBytes < 9 * 1024 * 1024) await Bun.sleep(5);
  await server.kill();
  // As on a machine that is gone: nobody takes the connection any more.
  line.close();
  return child;
}

test("the retries are used up: 69, and it says that the same command goes on", async () => {
  const child = await putToTheDead("1");
  const stderr = await new Response(child.stderr).text();

  expect(await child.exited).toBe(69);
  expect(stderr).toContain("again in 0.");
  expect(stderr).toContain("what was copied is kept: the same command goes on where it was");
});

test("Ctrl-C in a pause between retries ends the command at once", async () => {
  const child = await putToTheDead("5");
  let told = "";
  const decoder = new TextDecoder();
  for await (const bytes of child.stderr) {
    told += decoder.decode(bytes);
    if (told.includes("(2 of 5)")) child.kill("SIGINT");
  }

  expect(await child.exited).toBe(130);
  expect(told).not.toContain("(3 of 5)");
});
