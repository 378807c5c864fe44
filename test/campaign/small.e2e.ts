/**
 * Every campaign with the size that CI takes, and some planted bugs; by hand they are larger. A few
 * at a time, `--max-concurrency` says how many: they wait for each other's disk more than they work.
 */
import { expect, test } from "bun:test";

const ROOT = new URL("../../", import.meta.url).pathname;

test.concurrent.each([
  "campaign/calls.ts",
  "campaign/crowds.ts",
  "campaign/disk.ts",
  "campaign/guesses.ts",
  "campaign/kills.ts",
  "campaign/lines.ts",
  "campaign/model.ts",
  "campaign/power.ts",
  "campaign/registrations.ts",
  "campaign/rounds.ts",
  "fuzz/frames.ts",
  "fuzz/accounts.ts --count 2000",
  "fuzz/texts.ts --count 5000",
  "fuzz/sessions.ts",
  "campaign/soak.ts",
  "bugs/bugs.ts --count 2 --quick",
])("%s finds nothing", async (line) => {
  const [script = "", ...options] = line.split(" ");
  const child = Bun.spawn([process.execPath, `test/${script}`, ...options], {
    cwd: ROOT,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  // The seed and what failed, should it fail.
  if (status !== 0) console.error(stderr.slice(-20_000));
  console.log(stdout.trim());

  expect(status).toBe(0);
});
