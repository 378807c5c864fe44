/** What an operator does all day on the compiled executable, and what of it went wrong once. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { BINARY, Scene } from "./binary.ts";

let scene: Scene;

beforeEach(async () => {
  scene = await Scene.begin();
});

afterEach(() => scene.end());

async function operate(...words: string[]) {
  return await scene.run([...words, "--data", scene.data]);
}

async function jsonOf(...words: string[]): Promise<Record<string, unknown>[]> {
  const { stdout } = await operate(...words, "--json");
  const lines = stdout.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("drain answers before a server ends that has nothing under way", async () => {
  await scene.addUser("ann", "pw");
  for (let round = 0; round < 3; round += 1) {
    const server = await scene.serve();
    const { status, stderr } = await operate("drain");

    expect(stderr).toStartWith("the server drains: 0 transfers under way");
    expect(stderr).toEndWith("the server has ended\n");
    expect(status).toBe(0);
    expect(await server.process.exited).toBe(0);
  }
});

test("drain answers where people are signed in and do nothing", async () => {
  await scene.addUser("ann", "pw");
  const server = await scene.serve();
  const env = { FTPX_PASSWORD: "pw" };
  const idle = Bun.spawn([BINARY, "connect", server.target("ann")], {
    env: { ...process.env, ...env, FTPX_HOME: scene.path("home") },
    stdin: "pipe",
    stdout: "ignore",
    stderr: "ignore",
  });
  await server.event("login");
  const events = await jsonOf("drain");

  expect(events.map(({ event }) => event)).toEqual(["draining", "ended"]);
  idle.kill("SIGKILL");
  await idle.exited;
});
