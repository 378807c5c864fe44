import { expect, test } from "bun:test";
import { constants } from "node:os";
import { join } from "node:path";

const KERNEL = join(import.meta.dir, "../../src/store/kernel.ts");
const PROGRAM = `
  import { isSignalIgnored } from ${JSON.stringify(KERNEL)};
  console.log(isSignalIgnored(${constants.signals.SIGHUP}));
`;

test.skipIf(process.platform === "win32").each([
  ["", "false"],
  ["trap '' HUP; ", "true"],
])("a process that was started with %p knows whether SIGHUP is ignored", async (before, answer) => {
  const words = ["sh", "-c", `${before}exec "$0" -e "$1"`, process.execPath, PROGRAM];
  const child = Bun.spawn(words, { stdout: "pipe", stderr: "inherit" });

  expect((await new Response(child.stdout).text()).trim()).toBe(answer);
});
