/**
 * F2 in full: a put or a get that was cut off at some 60 % is run again, and in between its
 * source has changed in every way, its part was damaged, its target was moved, or the server
 * was restarted; or it had ended, and nobody heard so. Each time the copy is the source as it
 * is now, nothing stays reserved, and the line has carried what was missing and little more.
 *
 * Files of the server are changed on its disk, as its operator could.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import fs from "node:fs";
import { violations } from "../campaign/invariant.ts";
import {
  CHUNK_BYTES,
  copyOver,
  digestOf,
  flip,
  flipLast,
  grow,
  MIB,
  setTime,
} from "../campaign/proof-files.ts";
import { doneOf, FILE_BYTES, Ground, LITTLE_BYTES } from "../campaign/proof-ground.ts";
import type { CutOff, Keeps } from "../campaign/proof-ground.ts";
import { makeFile } from "./binary.ts";

export const COVERS = [
  ["put", "cut line"],
  ["put", "kill of the client"],
  ["put over a file", "cut line"],
  ["resume", "cut line"],
  ["resume", "kill of the client"],
  ["resume", "kill of the server"],
  ["resume", "SIGTERM"],
  ["get", "cut line"],
  ["get", "kill of the client"],
  ["get", "kill of the server"],
  ["get", "SIGTERM"],
] as const satisfies readonly (readonly [operation: string, fault: string])[];

let ground: Ground;

beforeAll(async () => {
  ground = await Ground.begin();
});

afterAll(() => ground.end());

/** Cases by their names. */
type Rows<Rest extends readonly unknown[]> = readonly (readonly [string, ...Rest])[];

const CHANGES: Rows<[(source: string) => void, Keeps]> = [
  ["is unchanged", () => {}, "all"],
  ["was touched", (source) => fs.utimesSync(source, 1, 1), "chunks"],
  ["was changed at its front", (source) => flip(source, 0), 0],
  ["was changed in the middle of what was sent", (source) => flip(source, 12 * MIB), 1],
  ["was changed at its end", (source) => flip(source, FILE_BYTES - 1), "chunks"],
  ["was truncated to less than was sent", (source) => fs.truncateSync(source, 20 * MIB + 1), 2],
  ["was truncated to more than was sent", (source) => fs.truncateSync(source, 39 * MIB), "chunks"],
  ["was truncated to a chunk", (source) => fs.truncateSync(source, CHUNK_BYTES), 1],
  ["was truncated to nothing", (source) => fs.truncateSync(source, 0), 0],
  ["has grown", (source) => grow(source, 9 * MIB + 1), "chunks"],
  ["became another of the same size and mtime", (source) => ground.replace(source, "other"), 0],
  ["became one that differs early", (source) => ground.replace(source, "master", 3 * MIB), 0],
  ["became one that differs late", (source) => ground.replace(source, "master", 20 * MIB), 2],
  ["became its equal", (source) => ground.replace(source, "master"), "chunks"],
];

test.each(CHANGES)("F2: a put and a get go on when the source %s", async (_case, change, keeps) => {
  const cuts = await Promise.all([ground.cutOff("put"), ground.cutOff("get")]);
  for (const { verb, local, stored } of cuts) change(verb === "put" ? local : stored);
  await Promise.all(cuts.map((cut) => ground.runAgain(cut, keeps)));
});

test("F2: a put goes on when its source was moved to another directory", async () => {
  const cut = await ground.cutOff("put");
  const local = ground.scene.path("home/moved");
  fs.renameSync(cut.local, local);
  await ground.runAgain({ ...cut, local }, "chunks");
});

test("F2: a put goes on from another machine, with a copy of the source", async () => {
  const cut = await ground.cutOff("put", { by: "client" });
  const local = ground.scene.path("home/copied");
  fs.copyFileSync(cut.local, local);
  const home = { FTPX_HOME: ground.scene.path("home of another") };
  await ground.runAgain({ ...cut, local }, "chunks", 0, home);
});

test.each([
  ["kill -9 of the client", "client", undefined],
  ["kill -9 of the server", "server", undefined],
  ["SIGTERM to the idle server", "line", "SIGTERM"],
  ["kill -9 of the idle server", "line", "SIGKILL"],
] as const)("F2: after %s a put and a get go on", async (_case, by, signal) => {
  const put = await ground.cutOff("put", { by });
  const get = await ground.cutOff("get", { by });
  if (signal !== undefined) await ground.restart(signal);
  // The server notes chunks behind the content, three of them before it was killed.
  await ground.runAgain(put, by === "server" ? 3 : "all");
  await ground.runAgain(get, "all");
});

test.each([
  ["its source was changed", "SIGKILL", ({ local }) => flip(local, 12 * MIB), 1],
  ["its part was cut short", "SIGTERM", ({ part }) => fs.truncateSync(part, 18 * MIB), 2],
  ["its part was removed", "SIGKILL", ({ part }) => fs.rmSync(part), 0],
] as const satisfies Rows<[string, (cut: CutOff) => void, Keeps]>)(
  "F2: a put goes on when, while the server was down, %s (%s)",
  async (_case, signal, change, keeps) => {
    const cut = await ground.cutOff("put");
    await ground.restart(signal, () => change(cut));
    await ground.runAgain(cut, keeps);
  },
);

/** What befalls the part; what of it is kept; what may be sent in vain until it is found out. */
const DAMAGES: Rows<[(part: string) => void, Keeps, number]> = [
  ["a bit of its tail turned", flipLast, "chunks", 2 * CHUNK_BYTES],
  ["its tail lost", (part) => fs.truncateSync(part, 3 * CHUNK_BYTES), 3, 0],
  ["its last chunk lost", (part) => fs.truncateSync(part, 18 * MIB), 2, 0],
  ["all of it lost", (part) => fs.truncateSync(part, 0), 0, 0],
  ["its name lost", (part) => fs.rmSync(part), 0, 0],
  ["garbage behind it", (part) => grow(part, 3 * MIB), "chunks", 2 * CHUNK_BYTES],
  ["garbage beyond the end", (part) => grow(part, 20 * MIB), "chunks", 2 * CHUNK_BYTES],
];

test.each(DAMAGES)(
  "F2: a put and a get go on when the part has %s",
  async (_case, damage, keeps, vain) => {
    const cuts = await Promise.all([ground.cutOff("put"), ground.cutOff("get")]);
    for (const { part } of cuts) damage(part);
    await Promise.all(cuts.map((cut) => ground.runAgain(cut, keeps, vain)));
  },
);

const LOG_DAMAGES: Rows<[(log: string) => string, Keeps]> = [
  ["is gone", () => "", 0],
  ["is garbage", () => "{\n\0\n", 0],
  ["lost its head", (log) => log.replace(/^.*\n/, ""), 0],
  ["lost its last line", (log) => log.replace(/\w+\n$/, ""), 2],
  ["was cut in its last line", (log) => log.slice(0, -9), 2],
  ["has another last line", (log) => log.replace(/\w+\n$/, `${"0".repeat(64)}\n`), 2],
  ["is of another boot", (log) => log.replace('"boot":"', "$&x"), "chunks"],
];

test.each(LOG_DAMAGES)("F2: a get goes on when its log %s", async (_case, damage, keeps) => {
  const cut = await ground.cutOff("get");
  fs.writeFileSync(`${cut.part}.log`, damage(fs.readFileSync(`${cut.part}.log`, "utf8")));
  await ground.runAgain(cut, keeps);
});

test("F2: a get is whole when a bit of its part's last chunk has turned", async () => {
  const cut = await ground.cutOff("get");
  flip(cut.part, 20 * MIB);
  await ground.runAgain(cut, 2);
});

test.each([
  ["put", "first", 3 * MIB, 0],
  ["put", "last", 20 * MIB, 2],
  ["get", "first", 3 * MIB, 0],
] as const)(
  "F2: a %s is whole when a bit of its part's %s chunk has turned",
  async (verb, _which, offset, keeps) => {
    const cut = await ground.cutOff(verb);
    flip(cut.part, offset);
    await ground.runAgain(cut, keeps, 2 * CHUNK_BYTES);
  },
);

/** What another session of the same user does to the target; what is kept. */
const RIVALS: Rows<[(path: string) => Promise<unknown>, Keeps]> = [
  ["by a small put", (path) => ground.putHere(ground.scene.path("small"), path), 0],
  ["by a large put", (path) => ground.putHere(ground.scene.path("other"), path), 0],
  ["by a rename", (path) => ground.move("/d/small", path), "all"],
];

test.each(RIVALS)(
  "F2: a put goes on when its target was replaced %s",
  async (_case, replace, keeps) => {
    makeFile(ground.scene.path("small"), 100 * 1024, 3);
    await ground.putHere(ground.scene.path("small"), "/d/small");
    const cut = await ground.cutOff("put");
    await replace(cut.path);
    await ground.runAgain(cut, keeps);
  },
);

test("F2: a put over a file of the same size and mtime goes on, and the old one stands", async () => {
  const other = ground.scene.path("other");
  setTime(other);
  const cut = await ground.cutOff("put", { prepare: (path) => ground.putHere(other, path) });
  expect(await digestOf(cut.stored)).toBe(await digestOf(other));
  await ground.runAgain(cut, "all");
});

test("F2: a put whose directory is gone is refused, and goes on when it is back", async () => {
  const cut = await ground.cutOff("put");
  await ground.remove("/d");
  expect((await ground.run(cut)).ran).toMatchObject({ status: 66 });
  await ground.makeDirectory();
  await ground.runAgain(cut, "all");
});

test("F2: a put whose directory was renamed begins anew there, and goes on here", async () => {
  const cut = await ground.cutOff("put");
  await ground.move("/d", "/moved");
  expect((await ground.run(cut)).ran).toMatchObject({ status: 66 });
  const there = { ...cut, path: cut.path.replace("/d", "/moved") };
  expect(doneOf((await ground.run(there)).ran)).toMatchObject({ resumedAt: 0, bytes: FILE_BYTES });
  await ground.remove(there.path);
  await ground.move("/moved", "/d");
  await ground.runAgain(cut, "all");
});

test("F2: a get into another directory begins anew, and the part stays for its own", async () => {
  const cut = await ground.cutOff("get");
  const local = ground.scene.path("home/elsewhere");
  expect(doneOf((await ground.run({ ...cut, local })).ran).resumedAt).toBe(0);
  expect(await digestOf(local)).toBe(await digestOf(cut.stored));
  await ground.runAgain(cut, "all");
});

test("F2: a get of the same path from another server begins anew", async () => {
  const cut = await ground.cutOff("get");
  const far = await Ground.begin();
  try {
    const stored = cut.stored.replace(ground.scene.folder, far.scene.folder);
    far.replace(stored, "master", 20 * MIB);
    expect(doneOf((await far.run(cut)).ran)).toMatchObject({ bytes: FILE_BYTES, resumedAt: 0 });
    expect(await digestOf(cut.local)).toBe(await digestOf(stored));
  } finally {
    await far.end();
  }
});

/** So slow that there is a second for what is done when a third has been sent. */
const SLOWLY = ["--limit", "30M", "--retries"] as const;

test("F2: a source that changes while it is put is never published, and then whole", async () => {
  const changes: Rows<[(source: string) => void]> = [
    ["SOURCE_CHANGED", (source) => flip(source, MIB)],
    ["SOURCE_CHANGED", (source) => flip(source, FILE_BYTES - 1)],
    ["SOURCE_CHANGED", (source) => fs.truncateSync(source, 30 * MIB)],
    ["SOURCE_CHANGED", (source) => grow(source, 1)],
    ["SOURCE_CHANGED", (source) => ground.replace(source, "other")],
  ];
  await Promise.all(
    changes.map(async ([error, change]) => {
      const place = ground.place("put");
      const meanwhile = () => change(place.local);
      const { ran } = await ground.run(place, { words: [...SLOWLY, "0"], meanwhile });
      expect(doneOf(ran)).toMatchObject({ event: "failed", error, exit: 75 });
      expect(fs.existsSync(place.stored)).toBe(false);
      expect((await ground.run(place)).ran).toMatchObject({ status: 0 });
      expect(await digestOf(place.stored)).toBe(await digestOf(place.local));
    }),
  );
});

test("F2: a file that changes while it is fetched arrives as one whole version", async () => {
  const old = await digestOf(ground.scene.path("master"));
  const changes: readonly ((stored: string) => void)[] = [
    (stored) => ground.replace(stored, "other"),
    (stored) => fs.rmSync(stored),
    (stored) => flip(stored, MIB),
    (stored) => flip(stored, FILE_BYTES - 1),
    (stored) => fs.truncateSync(stored, 30 * MIB),
    (stored) => grow(stored, 1),
  ];
  await Promise.all(
    changes.map(async (change, index) => {
      const place = ground.place("get");
      const meanwhile = () => change(place.stored);
      const { ran } = await ground.run(place, { words: [...SLOWLY, "2"], meanwhile });
      expect(ran).toMatchObject({ status: 0 });
      const expected = index < 2 ? old : await digestOf(place.stored);
      expect(await digestOf(place.local)).toBe(expected);
    }),
  );
});

test("F2: proof costs the client one chunk of reading when nothing changed", async () => {
  const cut = await ground.cutOff("put");
  const before = readBytes();
  await ground.putHere(cut.local, cut.path);
  const chunksBytes = Math.floor(cut.heldBytes / CHUNK_BYTES) * CHUNK_BYTES;
  expect(readBytes() - before).toBeLessThan(CHUNK_BYTES + FILE_BYTES - chunksBytes + LITTLE_BYTES);
  expect(await digestOf(cut.stored)).toBe(await digestOf(cut.local));
});

/** What this process has read of files. */
function readBytes(): number {
  return Number(/^rchar: (\d+)/m.exec(fs.readFileSync("/proc/self/io", "utf8"))?.[1]);
}

test("F2: a bit that turned in the tail of the last, short chunk is found out at the end", async () => {
  const place = ground.place("put");
  fs.truncateSync(place.local, 30 * MIB);
  const part = await ground.putUpTo(place, 27 * MIB);
  flip(part, 26 * MIB);
  expect((await ground.run(place)).ran).toMatchObject({ status: 0 });
  expect(await digestOf(place.stored)).toBe(await digestOf(place.local));
});

test("F2: a source that became what is stored again leaves nothing reserved", async () => {
  const master = ground.scene.path("master");
  fs.utimesSync(master, 1, 1);
  const cut = await ground.cutOff("put", { prepare: (path) => ground.putHere(master, path) });
  fs.utimesSync(cut.local, 1, 1);
  expect((await ground.run(cut)).ran).toMatchObject({ status: 0 });
  const reservedBytes = await ground.reservedBytes();
  flip(cut.local, 0);
  await ground.runAgain(cut, 0);
  expect(reservedBytes).toBe(0);
});

const UNHEARD_BYTES = 20 * MIB;

/** Who put it; what befalls the source; with which options it is put again; what is sent again. */
const UNHEARD: Rows<[string, (local: string) => unknown, string[], number]> = [
  ["again", "ann", () => {}, [], 0],
  ["again where two do not fit", "tight", () => {}, [], 0],
  ["again with --no-clobber", "ann", () => {}, ["--no-clobber"], 0],
  ["again after kill -9 of the server", "ann", () => ground.restart("SIGKILL"), [], 0],
  ["again as a copy of the same mtime", "ann", copyOver, [], 0],
  ["with other content of that size and mtime", "ann", flipLast, [], UNHEARD_BYTES],
  ["again with --restart", "ann", () => {}, ["--restart"], UNHEARD_BYTES],
];

test.each(UNHEARD)(
  "F2: a put whose answer nobody heard, put %s, sends no more than it must",
  async (_case, user, between, words, sentBytes) => {
    const place = await ground.loseAnswer(user, UNHEARD_BYTES);
    await between(place.local);
    const { ran, bytes } = await ground.run(place, { words });
    expect(ran).toMatchObject({ status: 0 });
    expect(doneOf(ran).resumedAt).toBe(UNHEARD_BYTES - sentBytes);
    expect(bytes).toBeLessThan(sentBytes + LITTLE_BYTES / 8);
    expect(await digestOf(place.stored)).toBe(await digestOf(place.local));
  },
);

test("F2: after all of it the server believes what there is", async () => {
  const found = await violations(ground.scene);
  // What bob has was put there behind the server's back.
  expect(found.filter((line) => !line.includes('"user":"bob"'))).toEqual([]);
  expect(ground.parts()).toEqual([]);
});
