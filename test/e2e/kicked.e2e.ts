/** A shell that reads from a pipe, and what ends it before its script does. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import type { Subprocess } from "bun";
import { BINARY, Scene, Server } from "./binary.ts";
import { feed, feedUnlessGone } from "./fed.ts";

type Shell = Subprocess<"pipe", "pipe", "pipe">;

let scene: Scene;
let server: Server;
const shells: Shell[] = [];

beforeEach(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
});

afterEach(async () => {
  for (const shell of shells.splice(0)) shell.kill("SIGKILL");
  await scene.end();
});

/** Its stdin stays open. */
function startShell(target: string): Shell {
  const shell = Bun.spawn([BINARY, "connect", target], {
    env: { HOME: scene.folder, FTPX_HOME: scene.path("home"), FTPX_PASSWORD: "pw" },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  shells.push(shell);
  return shell;
}

test.each([
  ["waits for its next line", ""],
  ["goes on with what needs no server", "pwd\nlpwd\n"],
])("a kicked shell that %s does not end as if all had gone well", async (_case, rest) => {
  server = await scene.serve();
  const shell = startShell(server.target("ann"));
  await feed(shell.stdin, "mkdir /d\npwd\n");
  await shell.stdout.getReader().read();
  expect(
    (await scene.run(["kick", "ann", "--reason", "enough", "--data", scene.data])).status,
  ).toBe(0);
  // Its stdin stays open: it ends by itself.
  if (rest !== "") await feedUnlessGone(shell.stdin, rest);

  expect(await shell.exited).toBe(77);
  const stderr = await new Response(shell.stderr).text();
  expect(stderr.split("the operator has ended this session: enough").length).toBe(2);
});

test("a shell whose server ends while it waits says so, and when it came back is well", async () => {
  server = await scene.serve();
  const target = server.target("ann");
  const lost = startShell(target);
  const found = startShell(target);
  for (const [index, shell] of [lost, found].entries()) {
    await feed(shell.stdin, `mkdir /d${index}\npwd\n`);
    // What it says then it says behind the answer, which a server killed before would owe it.
    await shell.stdout.getReader().read();
  }
  await server.kill();
  await lost.stdin.end();
  expect(await lost.exited).toBe(75);
  expect(await new Response(lost.stderr).text()).toContain("the connection was lost");
  const words = ["serve", "--json", "--data", scene.data, "--listen", `127.0.0.1:${server.port}`];
  server = await Server.open(scene.start(words));
  await feed(found.stdin, "mkdir /e\n");
  await server.event("mkdir", ({ path }) => path === "/e");
  await found.stdin.end();

  expect(await found.exited).toBe(0);
});

test("what follows a cd that failed is meant for another directory, and is not done", async () => {
  server = await scene.serve();
  const run = (stdin: string) =>
    scene.run(["connect", server.target("ann")], { env: { FTPX_PASSWORD: "pw" }, stdin });
  await run("mkdir keep\nmkdir old\n");
  for (const [line, status] of [
    ["cd odl", 66],
    ["lcd /nowhere", 66],
    ["cd 'odl", 64],
  ] as const) {
    const ran = await run(`${line}\nrm -r *\n`);
    expect(ran.status).toBe(status);
    expect(ran.stderr).toContain("what follows is meant for another directory, and is not done");
  }
  // Whatever else fails leaves everything where it is.
  const ran = await run("rm none\ncd old\npwd\n");

  expect([ran.status, ran.stdout]).toEqual([66, "/old\n"]);
  expect((await run("ls\n")).stdout).toMatch(/^keep\/?\nold\/?\n$/);
});
