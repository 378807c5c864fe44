import { afterEach, beforeEach, expect, test } from "bun:test";
import fs from "node:fs";
import { AuditLog } from "../../src/cli/audit.ts";
import type { AuditWatcher } from "../../src/cli/audit.ts";
import { AUDIT_WAITING_BYTES_MAX } from "../../src/base/limits.ts";
import { Folder } from "../support/folder.ts";
import { refusal } from "../support/refusal.ts";

let folder: Folder;
let file: string;

beforeEach(() => {
  folder = new Folder();
  file = folder.at("audit.log");
});

afterEach(() => folder.remove());

const DEAF: AuditWatcher = { failed: () => {}, resumed: () => {} };

const linesOf = (path: string): string[] => fs.readFileSync(path, "utf8").split("\n").slice(0, -1);

test("lines are appended to what is there, in order, and the file is private", async () => {
  fs.writeFileSync(file, "old\n", { mode: 0o600 });
  const log = await AuditLog.open(file, DEAF);
  for (let index = 0; index < 1000; index += 1) log.append(String(index));
  await log.close();

  expect(linesOf(file)).toEqual(["old", ...Array.from({ length: 1000 }, (_, index) => `${index}`)]);
  fs.rmSync(file);
  await (await AuditLog.open(file, DEAF)).close();
  expect(fs.statSync(file).mode & 0o777).toBe(0o600);
});

test.each([
  ["renamed", () => fs.renameSync(file, `${file}.1`)],
  ["removed", () => fs.rmSync(file)],
  [
    "renamed and made again",
    () => {
      fs.renameSync(file, `${file}.1`);
      fs.writeFileSync(file, "");
    },
  ],
])("a file that was %s is opened anew", async (_case, rotate) => {
  const log = await AuditLog.open(file, DEAF);
  log.append("a");
  while (fs.statSync(file).size === 0) await Bun.sleep(1);
  rotate();
  log.reopen();
  log.append("b");
  await log.close();

  expect(linesOf(file)).toEqual(["b"]);
});

test("a file that was cut to nothing goes on at its beginning, without a hole", async () => {
  const log = await AuditLog.open(file, DEAF);
  log.append("a".repeat(5000));
  while (fs.statSync(file).size < 5000) await Bun.sleep(1);
  fs.truncateSync(file);
  log.append("b");
  await log.close();

  expect(fs.readFileSync(file, "utf8")).toBe("b\n");
});

test("on a full disk lines wait, those without room are counted, and the rest is written later", async () => {
  fs.symlinkSync("/dev/full", file);
  const failed = Promise.withResolvers<unknown>();
  const resumed = Promise.withResolvers<number>();
  const log = await AuditLog.open(file, { failed: failed.resolve, resumed: resumed.resolve });
  log.append("first");
  expect(await failed.promise).toEqual(refusal("DISK_FULL"));
  const line = "x".repeat(1024 * 1024 - 1);
  const fitting = AUDIT_WAITING_BYTES_MAX / (1024 * 1024) - 1;
  for (let index = 0; index < fitting + 3; index += 1) log.append(line);
  fs.rmSync(file);
  log.reopen();

  expect(await resumed.promise).toBe(3);
  await log.close();
  expect(linesOf(file).map((one) => one.length)).toEqual([5, ...Array(fitting).fill(line.length)]);
});

test("a line of which the disk took half comes out whole in the next file, and none is lost or doubled", () => {
  // The limit on a file's size makes the kernel take as much of a write as fits, and no more.
  const source = new URL("../../src/cli/audit.ts", import.meta.url).pathname;
  const program = `import fs from "node:fs"; import { AuditLog } from ${JSON.stringify(source)};
    const file = ${JSON.stringify(file)};
    let count = 0;
    const failed = () => { fs.renameSync(file, file + "." + (count += 1)); setTimeout(() => log.reopen(), 1); };
    const ended = Promise.withResolvers();
    const log = await AuditLog.open(file, { failed, resumed: () => ended.resolve() });
    for (let index = 0; index < 30; index += 1) log.append(index + "-".repeat(90));
    await ended.promise;
    await log.close();`;
  const limited = `trap '' XFSZ; ulimit -f 4; exec "$0" -e "$1"`;
  const { exitCode, stderr } = Bun.spawnSync(["sh", "-c", limited, process.execPath, program]);
  expect([exitCode, stderr.toString()]).toEqual([0, ""]);

  const files = fs.readdirSync(folder.at(".")).map((name) => folder.at(name));
  expect(files.length).toBe(2);
  const whole = files.flatMap(linesOf).filter((line) => line.length > 90);
  const expected = Array.from({ length: 30 }, (_, index) => index + "-".repeat(90));
  expect(whole.toSorted()).toEqual(expected.toSorted());
  const halves = files.map((path) => fs.readFileSync(path, "utf8").split("\n").at(-1));
  expect(halves.filter((half) => half !== "").length).toBe(1);
});

test("what was appended is in the file when `written` resolves, whoever goes on appending", async () => {
  const log = await AuditLog.open(file, DEAF);
  const others = setInterval(() => log.append("other"), 0);
  for (let index = 0; index < 50; index += 1) {
    log.append(`mine ${index}`);
    await log.written();
    expect(linesOf(file)).toContain(`mine ${index}`);
  }
  clearInterval(others);
  await log.written();
  await log.close();
});
