import { expect, test } from "bun:test";
import { completeBill } from "../../packaging/bill.ts";
import type { Bill } from "../../packaging/bill.ts";
import { targetNamed } from "../../packaging/targets.ts";

const LOCK = new Map([
  ["node_modules/@oven/bun-linux-x64", { version: "1.4.5", integrity: "sha512-AAEC" }],
]);
const ARTIFACT = { target: targetNamed("linux-x64"), fileName: "ftpx-linux-x64", sha256: "5c1f" };
const ORIGIN = { commit: "70856c7", timestamp: "2026-11-21T22:43:20Z" };
const PARTS = { node: "26.3.0", bun: "1.4.5", zlib: "1273", boringssl: "fe70" };

/** What npm says, with what changes from run to run. */
function npmBill(run: string): Bill {
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    serialNumber: `urn:uuid:${run}`,
    metadata: {
      timestamp: run,
      tools: [{ vendor: "npm", name: "cli", version: run }],
      component: { "bom-ref": "ftpx@0.1.0", type: "application", name: run, version: "0.1.0" },
    },
    components: [{ "bom-ref": "hash-wasm@4.13.0", type: "library", name: "hash-wasm" }],
    dependencies: [{ ref: "ftpx@0.1.0", dependsOn: ["hash-wasm@4.13.0"] }],
  };
}

function complete(run: string, origin = ORIGIN): Bill {
  return completeBill(npmBill(run), [ARTIFACT], LOCK, origin, PARTS);
}

test("a bill names the executables, the runtime in them and its parts", () => {
  const { components, dependencies, metadata } = complete("1");
  const runtime = components.find(({ name }) => name === "@oven/bun-linux-x64");

  expect(metadata.component.name).toBe("ftpx");
  expect(metadata.component.components?.[0]).toMatchObject({
    name: "ftpx-linux-x64",
    hashes: [{ alg: "SHA-256", content: "5c1f" }],
  });
  expect(runtime?.hashes).toEqual([{ alg: "SHA-512", content: "000102" }]);
  expect(runtime?.components?.map(({ name }) => name)).toEqual(["boringssl", "zlib"]);
  expect(components.map(({ name }) => name)).toContain("hash-wasm");
  expect(dependencies).toContainEqual({
    ref: "ftpx-linux-x64",
    dependsOn: ["ftpx@0.1.0", "@oven/bun-linux-x64@1.4.5"],
  });
});

test("the same content gives the same bill, and another one another serial number", () => {
  expect(JSON.stringify(complete("1"))).toBe(JSON.stringify(complete("2")));
  const other = complete("1", { ...ORIGIN, commit: "d627a05" });

  expect(other.serialNumber).not.toBe(complete("1").serialNumber);
  expect(other.serialNumber).toMatch(
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
});
