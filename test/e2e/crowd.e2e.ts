/** A full server, a server that stops, a server that was killed: through the compiled executable. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import { connectOperator } from "../../src/client/connect.ts";
import { freshAddress, Scene } from "./binary.ts";
import { greeted, openUpload, signedIn } from "./wire.ts";
import { outcomeOf } from "../support/refusal.ts";

let scene: Scene;

beforeEach(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
});

afterEach(() => scene.end());

const operatorSocket = () => `${scene.data}/storage/.ftpx/operator.sock`;

test("D2: 300 silent connections of one address shut out neither the operator nor users elsewhere", async () => {
  const server = await scene.serve();
  const socket = { data: () => {}, error: () => {} };
  const localAddress = freshAddress();
  const address = { hostname: "127.0.0.1", port: server.port, localAddress };
  const silent = await Promise.all(
    Array.from({ length: 300 }, () =>
      // Those that there is no room for are reset, some before this side knows of them.
      Bun.connect({ ...address, socket } as never).catch(() => undefined),
    ),
  );
  await Bun.sleep(300);
  expect(["SERVER_FULL", "TURNED_AWAY"]).toContain(await outcomeOf(greeted(server, localAddress)));
  const meanwhile = await signedIn(server);
  meanwhile.close();
  const operator = await connectOperator(operatorSocket());
  expect(await outcomeOf(operator.call("usages", { after: "" }))).toBe("none");
  operator.close();
  for (const peer of silent) peer?.terminate();
  await Bun.sleep(300);

  const client = await signedIn(server);
  expect(await outcomeOf(client.call("quota", {}))).toBe("none");
  client.close();
  expect(await server.stop()).toBe(0);
  expect(await server.stderr).not.toMatch(/Error|^\s+at /m);
});

test("a server that stops closes idle sessions, begins nothing, and lets transfers end", async () => {
  const server = await scene.serve("--grace", "20s");
  const idle = await signedIn(server);
  const busy = await signedIn(server);
  const { id, reply } = openUpload(busy, "/a", 100);
  await reply;
  const startedMs = performance.now();
  const stopping = server.stop();
  await server.event("draining");
  await Bun.sleep(200);

  expect(await outcomeOf(idle.call("quota", {}))).toBe("DRAINING");
  expect(await outcomeOf(openUpload(busy, "/b", 100).reply)).toBe("SERVER_STOPPING");
  // Who is still there, and why, is what the operator wants to know then.
  const operator = await connectOperator(operatorSocket());
  expect(await outcomeOf(operator.call("usages", { after: "" }))).toBe("none");
  expect(await outcomeOf(busy.call("closeTransfer", { transfer: id, isDiscarded: true }))).toBe(
    "none",
  );
  expect(await stopping).toBe(0);
  expect(performance.now() - startedMs).toBeLessThan(5000);
  expect(await outcomeOf(busy.call("quota", {}))).toBe("DRAINING");
});

test("Q8: homes that were not counted when the server stopped are counted by its next run", async () => {
  const names = ["bea", "cat", "dan"];
  for (const name of names) await scene.addUser(name, "pw");
  const first = await scene.serve();
  await first.kill();
  for (const name of names) {
    const home = `${scene.data}/storage/${name}`;
    await mkdir(home, { recursive: true });
    const files = Array.from({ length: 3000 }, (_hole, index) => `${home}/${index}`);
    await Promise.all(files.map((file) => writeFile(file, "")));
  }
  const second = await scene.serve();
  expect(await second.stop()).toBe(0);
  const { clean } = await second.event("shutdown");
  expect(clean).toBe(second.events.some(({ event }) => event === "recounted"));

  const third = await scene.serve();
  if (clean !== true) await third.event("recounted");
  const operator = await connectOperator(operatorSocket());
  const { usages } = await operator.call("usages", { after: "" });
  expect(usages.map(({ user, usedFiles }) => [user, usedFiles])).toEqual([
    ["ann", 0],
    ...names.map((name): [string, number] => [name, 3000]),
  ]);
  operator.close();
  expect(await third.stop()).toBe(0);
  expect(await third.event("shutdown")).toMatchObject({ clean: true });
});
