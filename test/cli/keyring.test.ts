import { afterAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { formatKeyLine, keyFingerprint } from "../../src/base/keyblob.ts";
import { SigningKey } from "../../src/base/signature.ts";
import { changedKeys } from "../../src/cli/keyring.ts";
import { Folder } from "../support/folder.ts";
import { refusal } from "../support/refusal.ts";

const folder = new Folder();
afterAll(() => folder.remove());

const publicOf = (seed: number) => new SigningKey(new Uint8Array(32).fill(seed)).publicKey;
const lineOf = (seed: number, comment: string) => formatKeyLine(publicOf(seed), comment);
const LAPTOP = lineOf(1, "ann@laptop");
const PHONE = lineOf(2, "ann@phone");
const OTHER = lineOf(3, "ann@laptop");

function file(name: string, text: string): string {
  writeFileSync(folder.at(name), text);
  return folder.at(name);
}

test("a line is added once, whatever its comment", async () => {
  expect(await changedKeys("ann", [], [LAPTOP, PHONE])).toEqual([LAPTOP, PHONE]);
  const before = [LAPTOP];
  expect(await changedKeys("ann", before, [lineOf(1, "again")])).toBe(before);
});

test("a file may hold several lines, comments and blank lines", async () => {
  const path = file("keys.pub", `# mine\n\n${LAPTOP}\r\n  ${PHONE}\n`);

  expect(await changedKeys("ann", [OTHER], [path])).toEqual([OTHER, LAPTOP, PHONE]);
});

test("a key is removed by its line, its fingerprint or its comment", async () => {
  const keys = [LAPTOP, PHONE];

  expect(await changedKeys("ann", keys, [], [lineOf(1, "other comment")])).toEqual([PHONE]);
  expect(await changedKeys("ann", keys, [], [keyFingerprint(publicOf(1))])).toEqual([PHONE]);
  expect(await changedKeys("ann", keys, [], ["ann@phone"])).toEqual([LAPTOP]);
  expect(await changedKeys("ann", keys, [], ["ann@phone", "ann@laptop"])).toEqual([]);
});

test("removing comes before adding", async () => {
  expect(await changedKeys("ann", [LAPTOP], [OTHER], ["ann@laptop"])).toEqual([OTHER]);
});

test("what is not there, or is there twice under one comment, is not removed", async () => {
  const reason = expect.stringContaining(keyFingerprint(publicOf(3))) as string;

  expect(changedKeys("ann", [LAPTOP], [], ["x"])).rejects.toThrow(refusal("USAGE"));
  expect(changedKeys("ann", [LAPTOP], [], [""])).rejects.toThrow(refusal("USAGE"));
  expect(changedKeys("ann", [LAPTOP, OTHER], [], ["ann@laptop"])).rejects.toThrow(
    refusal("USAGE", { reason }),
  );
});

test("A6: what is no Ed25519 key gets into no list", async () => {
  const smallOrder = formatKeyLine(new Uint8Array(32), "zero");
  const wrong = [
    "ssh-rsa AAAAB3NzaC1yc2E= x",
    "ssh-ed25519 AAAA x",
    "sk-ssh-ed25519@openssh.com AAAA x",
    smallOrder,
    LAPTOP.replace("ssh-ed25519 ", "ssh-ed25519 A"),
    file("empty.pub", ""),
    file("comments.pub", "# nothing\n"),
    file("rsa.pub", "ssh-rsa AAAAB3NzaC1yc2E= x\n"),
    file("private", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"),
    file("second.pub", `${LAPTOP}\nssh-ed25519 AAAA\n`),
  ];
  for (const word of wrong) {
    expect(changedKeys("ann", [], [word])).rejects.toThrow(refusal("USAGE"));
  }
  expect(changedKeys("ann", [], [folder.at("nowhere")])).rejects.toThrow(refusal("NO_LOCAL_FILE"));
});
