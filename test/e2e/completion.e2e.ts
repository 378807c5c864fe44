/** Completion scripts, run by the shells that read them: bash always, zsh and fish where they are. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { BINARY, Scene } from "./binary.ts";

let scene: Scene;

beforeAll(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  await scene.addUser("bob", "pw");
  await scene.run(["bookmark", "add", "work", "ann@files.example.org/backup"]);
  mkdirSync(scene.path("bin"));
  symlinkSync(BINARY, scene.path("bin", "ftpx"));
  mkdirSync(scene.path("here"));
  mkdirSync(scene.path("here", "my dir"));
  writeFileSync(scene.path("here", "my file (1).iso"), "");
});

afterAll(() => scene.end());

async function runShell(shell: string, ...words: string[]): Promise<string> {
  const child = Bun.spawn([shell, ...words], {
    cwd: scene.path("here"),
    env: {
      PATH: `${scene.path("bin")}:${process.env["PATH"] ?? ""}`,
      HOME: scene.folder,
      FTPX_HOME: scene.path("home"),
      FTPX_DATA: scene.data,
    },
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  expect(stderr).toBe("");
  expect(await child.exited).toBe(0);
  return stdout;
}

/** What bash would offer for the last of these words. */
async function offeredByBash(...words: string[]): Promise<string[]> {
  const line = words.map((word) => `'${word}'`).join(" ");
  const script = `eval "$(ftpx completion bash)"; COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}
    _ftpx; printf '%s\n' "\${COMPREPLY[@]}"`;
  const stdout = await runShell("bash", "--norc", "-c", script);
  return stdout.split("\n").filter((offer) => offer !== "");
}

test.each([
  [
    ["ftpx", "use"],
    ["useradd", "usermod", "userdel", "users"],
  ],
  [["ftpx", "rem"], ["remove"]],
  [["ftpx", "ls", "--lo"], ["--long"]],
  [["ftpx", "put", "--digest", "b"], ["blake3"]],
  [["ftpx", "useradd", "--access", "read"], ["read-only"]],
  [["ftpx", "ls", "w"], ["work:"]],
  [["ftpx", "ls", "my"], []],
  [
    ["ftpx", "put", "my"],
    ["my dir", "my file (1).iso"],
  ],
  [["ftpx", "serve", "--data", "my"], ["my dir"]],
  [["ftpx", "serve", "--plain", ""], []],
  [["ftpx", "ls", "--plain", "w"], ["work:"]],
  [["ftpx", "userdel", "b"], ["bob"]],
  [["ftpx", "userdel", "--data", "/nowhere", "b"], []],
  [["ftpx", "bookmark", "r"], ["rm"]],
  [["ftpx", "bookmark", "rm", "w"], ["work"]],
  [["ftpx", "completion", "f"], ["fish"]],
  [["ftpx", "help", "quo"], ["quota"]],
  [["ftpx", "nonsense", ""], []],
])("bash offers for %j: %j", async (words, offers) => {
  expect((await offeredByBash(...words)).toSorted()).toEqual(offers.toSorted());
});

test("each shell can read its script, and another shell is refused with the nearest name", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { status, stdout } = await scene.run(["completion", shell]);
    expect(status).toBe(0);
    expect(stdout).toContain("ftpx");
    await Bun.write(scene.path(shell), stdout);
    if (Bun.which(shell) !== null) await runShell(shell, "-n", scene.path(shell));
  }
  const ran = await scene.run(["completion", "fishy"]);
  expect(ran).toMatchObject({ status: 64 });
  expect(ran.stderr).toContain("did you mean fish?");
});

const offeredByFish = async (line: string): Promise<string> =>
  await runShell("fish", "-c", `ftpx completion fish | source; complete -C '${line}'`);

test.if(Bun.which("fish") !== null)("fish offers commands, options and bookmarks", async () => {
  expect(await offeredByFish("ftpx use")).toContain("useradd");
  expect(await offeredByFish("ftpx put --dig")).toContain("--digest");
  expect(await offeredByFish("ftpx put --digest b")).toContain("blake3");
  expect(await offeredByFish("ftpx ls w")).toContain("work:");
});
