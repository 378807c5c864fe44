/** Each in a process of its own: hardly any of this can be taken back. */
import { expect, test } from "bun:test";
import { join } from "node:path";

const SOURCE = join(import.meta.dir, "../../src/cli/confinement.ts");
const isLinux = process.platform === "linux";

/** What a program says that has confined itself, or has not. */
async function said(confining: string, work: string): Promise<unknown> {
  const program = `
    import { confineServer, guardMemory, keepingPrivate } from ${JSON.stringify(SOURCE)};
    import fs from "node:fs";
    const threads = new Worker(URL.createObjectURL(new Blob(["postMessage(0)"])));
    await new Promise((resolve) => threads.addEventListener("message", resolve));
    ${confining}
    console.log(JSON.stringify(await (async () => { ${work} })()));
    process.exit();`;
  const { FTPX_DEBUG: _debug, ...env } = process.env;
  const child = Bun.spawn([process.execPath, "-e", program], { env, stderr: "inherit" });
  return JSON.parse(await new Response(child.stdout).text());
}

const EXECUTE = `try { return Bun.spawnSync(["true"]).exitCode; } catch (error) { return error.code; }`;
const STATUS = `return /^Umask:\\s*(\\d+)/m.exec(fs.readFileSync("/proc/self/status", "utf8"))[1];`;
const CORES = `return /^Max core file size +(\\S+ +\\S+)/m.exec(fs.readFileSync("/proc/self/limits", "utf8"))[1];`;

test.if(isLinux)("I1: a confined server cannot execute a program, and others can", async () => {
  expect(await said("", EXECUTE)).toBe(0);
  expect(await said("confineServer();", EXECUTE)).toBe("EPERM");
  // A client may: the shell's `!` does.
  expect(await said("guardMemory();", EXECUTE)).toBe(0);
});

test.if(isLinux)("the umask of private work is 077, and what it was after it", async () => {
  const during = `return await keepingPrivate(async () => { ${STATUS} });`;
  const after = `await keepingPrivate(async () => {}); ${STATUS}`;
  expect(await said("process.umask(0);", STATUS)).toBe("0000");
  for (const inherited of ["0000", "0777"]) {
    expect(await said(`process.umask(0o${inherited});`, during)).toBe("0077");
    expect(await said(`process.umask(0o${inherited});`, after)).toBe(inherited);
  }
});

test.if(isLinux)("a confined server writes no core file, and cannot be made to", async () => {
  expect(await said("confineServer();", CORES)).toMatch(/^0 +0$/);
});

test.if(isLinux)("who holds secrets still reaches its own descriptors", async () => {
  const work = `const fd = fs.openSync("/", "r");
    return fs.readdirSync("/proc/self/fd/" + fd).includes("proc");`;

  expect(await said("guardMemory();", work)).toBe(true);
});
