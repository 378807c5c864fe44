import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import { ALGORITHMS, ChunkDigester, chunksOf, createHasher } from "../../src/base/digest.ts";
import type { Algorithm } from "../../src/base/digest.ts";
import { OpenFile } from "../../src/base/openfile.ts";
import { CHUNK_BYTES } from "../../src/base/limits.ts";
import { Digests } from "../../src/store/digests.ts";
import { makeScratchDir, outcomeOf, randomOf } from "./scratch.ts";

const SIZES = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES];
const BIG_BYTES = 8 * CHUNK_BYTES;

let dir = "";
let digests: Digests;

beforeAll(() => {
  dir = makeScratchDir();
  digests = new Digests();
});
afterAll(async () => {
  await digests.close();
  fs.rmSync(dir, { recursive: true });
});

test.each(SIZES)("plain md5 of %d bytes is node's", async (bytes) => {
  const content = contentOf(bytes);
  const file = await openWith(content);

  expect(Buffer.from(await digests.plain(file, "md5"))).toEqual(
    createHash("md5").update(content).digest(),
  );
  await file.close();
});

test.each(Object.keys(ALGORITHMS) as Algorithm[])(
  "plain %s is that of one hasher",
  async (name) => {
    const content = contentOf(CHUNK_BYTES + 1);
    const file = await openWith(content);
    const hasher = await createHasher(name);
    hasher.update(content);

    expect(await digests.plain(file, name)).toEqual(hasher.finish());
    await file.close();
  },
);

test.each(SIZES)("chunks of %d bytes are those of a ChunkDigester, from any on", async (bytes) => {
  const content = contentOf(bytes);
  const file = await openWith(content);
  const digester = new ChunkDigester(await createHasher("sha256"), 0);
  digester.update(content);
  const expected = digester.finish();

  expect(expected.length).toBe(chunksOf(bytes));
  for (const [first, count] of [
    [0, 100],
    [0, 1],
    [1, 1],
    [1, 5],
    [2, 2],
    [9, 1],
    [0, 0],
  ] as const) {
    const found = await digests.chunks(file, "sha256", first, count);
    expect(found).toEqual(expected.slice(first, first + count));
  }
  await file.close();
});

test("the event loop goes on during a large digest", async () => {
  const file = await openWith(contentOf(BIG_BYTES));
  let ticks = 0;
  const timer = setInterval(() => (ticks += 1), 1);
  const started = performance.now();
  await digests.plain(file, "md5");
  const elapsedMs = performance.now() - started;
  clearInterval(timer);

  expect(elapsedMs).toBeGreaterThan(20);
  expect(ticks).toBeGreaterThan(elapsedMs / 10);
  await file.close();
});

test("a small file does not wait for a large one that came before", async () => {
  const [large, small] = [await openWith(contentOf(BIG_BYTES)), await openWith(contentOf(10))];
  const order: string[] = [];
  const first = digests.plain(large, "sha256").then(() => order.push("large"));
  const second = digests.plain(small, "sha256").then(() => order.push("small"));
  await Promise.all([first, second]);

  expect(order).toEqual(["small", "large"]);
  await Promise.all([large.close(), small.close()]);
});

test("many digests at once do not mix", async () => {
  const contents = Array.from({ length: 10 }, (_unused, index) => contentOf(index * 1_000_003));
  const files = await Promise.all(contents.map(openWith));
  const found = await Promise.all(files.map((file) => digests.plain(file, "md5")));

  expect(found.map((digest) => Buffer.from(digest).toString("hex"))).toEqual(
    contents.map((content) => createHash("md5").update(content).digest("hex")),
  );
  await Promise.all(files.map((file) => file.close()));
});

test("a job that is cancelled ends at once, and the others go on", async () => {
  const [large, other] = [await openWith(contentOf(BIG_BYTES)), await openWith(contentOf(10))];
  const early = new AbortController();
  const late = new AbortController();
  early.abort();
  const jobs = [
    outcomeOf(digests.plain(large, "blake3", early.signal)),
    outcomeOf(digests.plain(large, "blake3", late.signal)),
    outcomeOf(digests.plain(large, "sha256")),
  ];
  await digests.plain(other, "sha256"); // now the others are in their first turns
  late.abort();

  expect(await Promise.all(jobs)).toEqual(["INTERRUPTED", "INTERRUPTED", "done"]);
  await Promise.all([large.close(), other.close()]);
});

test("an error of the system is named, and the next digest is right", async () => {
  const directory = new OpenFile(fs.openSync(dir, "r"));
  const file = await openWith(contentOf(10));

  expect(await outcomeOf(digests.plain(directory, "sha256"))).toBe("IS_A_DIRECTORY");
  expect(await outcomeOf(digests.chunks(directory, "sha256", 0, 1))).toBe("IS_A_DIRECTORY");
  expect(await outcomeOf(digests.plain(file, "sha256"))).toBe("done");
  await Promise.all([directory.close(), file.close()]);
});

test("jobs of a thread that ends reject, and the next one starts another", async () => {
  const [large, small] = [await openWith(contentOf(BIG_BYTES)), await openWith(contentOf(10))];
  const jobs = [1, 2].map(() => outcomeOf(digests.plain(large, "blake3")));
  await digests.plain(small, "sha256");
  await digests.close();

  expect(await Promise.all(jobs)).toEqual(["INTERNAL", "INTERNAL"]);
  expect(await outcomeOf(digests.plain(small, "sha256"))).toBe("done");
  await Promise.all([large.close(), small.close()]);
});

test("an idle thread keeps no process alive, and a busy one does", async () => {
  const path = join(dir, "alone");
  fs.writeFileSync(path, contentOf(CHUNK_BYTES * 3));
  const script = `
    import { OpenFile } from "${import.meta.dir}/../../src/base/openfile.ts";
    import { Digests } from "${import.meta.dir}/../../src/store/digests.ts";
    const file = await OpenFile.open(${JSON.stringify(path)}, 0);
    void new Digests().plain(file, "md5").then((digest) => console.log(digest.byteLength));
  `;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });

  expect(await child.exited).toBe(0);
  expect(await new Response(child.stdout).text()).toBe("16\n");
});

let lastFile = 0;

async function openWith(content: Uint8Array): Promise<OpenFile> {
  const path = join(dir, `file-${(lastFile += 1)}`);
  fs.writeFileSync(path, content);
  return await OpenFile.open(path, fs.constants.O_RDONLY);
}

/** No two chunks alike, and cheap to make. */
function contentOf(bytes: number): Buffer {
  const content = Buffer.alloc(bytes);
  const random = randomOf(bytes);
  for (let offset = 0; offset < bytes; offset += 4_099) content[offset] = random() * 256;
  return content;
}
