import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { readExecutable } from "../../packaging/formats.ts";
import { faultsOf } from "../../packaging/inspection.ts";
import { isSealed, sealed } from "../../packaging/seal.ts";
import { targetNamed } from "../../packaging/targets.ts";
import { machO, PROGRAM, peFile } from "./images.ts";

test.if(process.platform === "linux")(
  "the executable that runs this is an ELF file for this machine",
  () => {
    const found = readExecutable(readFileSync(process.execPath));

    expect(found).toMatchObject({ format: "ELF", machine: process.arch });
    expect(found.interpreter).toStartWith("/lib");
  },
);

test.if(process.platform === "linux")("a bare runtime is not taken for a release", () => {
  const faults = faultsOf(targetNamed("linux-x64"), readFileSync(process.execPath));

  expect(faults).toContain("root/ftpx is not in it");
  expect(faults).toContain("the end of the program is not in it");
});

test("what is neither ELF nor Mach-O nor PE is refused", () => {
  expect(() => readExecutable(Buffer.from("#!/bin/sh\n"))).toThrow("neither");
});

test.each([
  ["x64", 0x0100_0007],
  ["arm64", 0x0100_000c],
  ["unknown", 7],
] as const)("a Mach-O file for %s is read: machine, program, signature", (machine, code) => {
  const file = machO({ machine: code });
  const found = readExecutable(file);

  expect(found).toMatchObject({ format: "Mach-O", machine });
  expect(Buffer.from(found.program).toString()).toBe(PROGRAM);
  expect(found.signature).toEqual({ offset: file.byteLength - 64, bytes: 64 });
});

test.each([
  ["x64", 0x8664],
  ["arm64", 0xaa64],
] as const)("a PE file for %s is read: machine, program, no signature", (machine, code) => {
  const found = readExecutable(peFile({ machine: code }));

  expect(found).toMatchObject({ format: "PE", machine });
  expect(Buffer.from(found.program).toString()).toBe(PROGRAM);
  expect(found.signature).toBeUndefined();
});

test("certificates in a PE file are a fault: with a program in it they no longer hold", () => {
  const file = peFile({ machine: 0x8664, certificateBytes: 8 });

  expect(faultsOf(targetNamed("windows-x64"), file)).toContain(
    "it has a signature of somebody else",
  );
});

test("a file for another machine, and one of another size, are faults", () => {
  const faults = faultsOf(targetNamed("macos-arm64"), sealed(machO({ machine: 0x0100_0007 }), "a"));

  expect(faults).toContain("machine is x64, not arm64");
  expect(faults.join()).toContain("MiB are not between 80 and 160");
  expect(faults).not.toContain("its ad-hoc signature does not hold");
});

test("a sealed Mach-O file holds, and not with another byte anywhere in what is signed", () => {
  const bare = machO({ machine: 0x0100_0007 });
  const file = sealed(bare, "ftpx");
  const codeBytes = bare.byteLength - 64;

  expect(isSealed(bare)).toBe(false);
  expect(isSealed(file)).toBe(true);
  // A byte of the header, the last but one page, and the last, which is no whole page.
  for (const offset of [24, codeBytes - 5000, codeBytes - 1]) {
    const changed = Uint8Array.from(file);
    changed[offset] = (changed[offset] ?? 0) ^ 1;
    expect(isSealed(changed)).toBe(false);
  }
  // A tail behind the signature is not signed.
  expect(isSealed(Buffer.concat([file, Buffer.of(0)]))).toBe(false);
  expect(isSealed(sealed(file, "ftpx"))).toBe(true);
});

test("sealing keeps the code, and says in the load commands where the signature ends", () => {
  const bare = machO({ machine: 0x0100_0007 });
  const file = sealed(bare, "ftpx");
  const { program, signature } = readExecutable(file);

  expect(Buffer.from(program).toString()).toBe(PROGRAM);
  expect(signature).toEqual({
    offset: bare.byteLength - 64,
    bytes: file.byteLength - bare.byteLength + 64,
  });
  expect(sealed(bare, "ftpx")).toEqual(file);
});
