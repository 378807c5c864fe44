/**
 * The scenarios that calls are looked for in: each a data directory to begin with, the
 * steps of a session, and which of the server's calls in them are to go wrong.
 *
 * The data directories are made once and copied for every run.
 */
import { Database } from "bun:sqlite";
import { cp, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CHUNK_BYTES } from "../../src/base/limits.ts";
import { Scene } from "../e2e/binary.ts";
import {
  addAccount,
  copy,
  followEdit,
  get,
  HALF_BYTES,
  list,
  makeDir,
  makeDirs,
  makeSources,
  move,
  put,
  putHalf,
  remove,
  removeDir,
  removeTree,
  USER,
} from "./calls-script.ts";
import type { Sources, Step } from "./calls-script.ts";
import type { Tree } from "./calls-tree.ts";
import { Guest } from "./rounds-peers.ts";

/** When a call is made: until the homes are counted, during the steps, after SIGTERM. */
export type Phase = "start" | "work" | "stop";

export interface Scenario {
  readonly name: "fresh" | "recovery" | "session" | "rewind" | "follow";
  /** The data directory to begin with. */
  readonly data: string;
  /** What lies in the home then. */
  readonly tree: Tree;
  readonly steps: readonly Step[];
  /** In other paths, when something has gone wrong in the first ones. */
  readonly stepsAgain: readonly Step[];
  readonly isWanted: (phase: Phase, place: string) => boolean;
}

/** All that is made before the first run; `scene` removes it. */
export interface Workshop {
  readonly scene: Scene;
  readonly sources: Sources;
  /** A data directory with an account, stopped properly. */
  readonly cleanData: string;
  readonly scenarios: readonly Scenario[];
}

export async function openWorkshop(): Promise<Workshop> {
  const scene = await Scene.begin();
  const sources = makeSources(scene.folder);
  const emptyData = scene.path("empty-data");
  await mkdir(emptyData);
  const cleanData = await makeCleanData(scene);
  const uncleanData = await makeUncleanData(scene, sources);
  const nothing: Tree = new Map();
  const { small, middle } = sources;
  const kept = new Map([
    ["/kept", small.sha256],
    ["/done", middle.sha256],
  ]);
  const scenarios: Scenario[] = [
    {
      name: "fresh",
      data: emptyData,
      tree: nothing,
      steps: [addAccount(), ...shortSession("/first", sources)],
      stepsAgain: [],
      isWanted: (phase) => phase === "start",
    },
    {
      name: "recovery",
      data: uncleanData,
      tree: kept,
      steps: afterCrash(sources),
      stepsAgain: [],
      isWanted: (phase) => phase === "start",
    },
    {
      name: "session",
      data: cleanData,
      tree: nothing,
      steps: session("/first", sources),
      stepsAgain: shortSession("/again", sources),
      isWanted: (phase, place) => phase !== "start" && place !== "accounts.toml",
    },
    {
      name: "rewind",
      data: cleanData,
      tree: nothing,
      // The source is another one behind its first chunk, which is kept, or from its front on.
      steps: [
        putHalf("/f", sources.large, HALF_BYTES),
        put("/f", sources, "tail", CHUNK_BYTES),
        putHalf("/f", sources.large, HALF_BYTES),
        put("/f", sources, "foreign", 0),
      ],
      stepsAgain: shortSession("/again", sources),
      isWanted: (phase, place) => phase === "work" && /parts\/|-wal$/.test(place),
    },
    {
      name: "follow",
      data: cleanData,
      tree: nothing,
      steps: [followEdit(2 ** 30)],
      stepsAgain: [],
      isWanted: (phase, place) => phase === "work" && place === "accounts.toml",
    },
  ];
  return { scene, sources, cleanData, scenarios };
}

function session(base: string, sources: Sources): Step[] {
  return [
    makeDir(base),
    makeDirs(`${base}/tree/a/b`),
    put(`${base}/empty`, sources, "empty"),
    put(`${base}/small`, sources, "small"),
    put(`${base}/small`, sources, "other"),
    putHalf(`${base}/large`, sources.large, HALF_BYTES),
    put(`${base}/large`, sources, "large", HALF_BYTES),
    // The source is another one now: what is held is not of use.
    putHalf(`${base}/middle`, sources.middle, 600 * 1024),
    put(`${base}/middle`, sources, "changed"),
    // Too small to be gone on with: what is held is dropped.
    putHalf(`${base}/dropped`, sources.other, 1000),
    put(`${base}/dropped`, sources, "other"),
    put(`${base}/tree/f`, sources, "small"),
    put(`${base}/tree/a/g`, sources, "other"),
    move(`${base}/small`, `${base}/moved`),
    move(`${base}/empty`, `${base}/moved`),
    move(`${base}/tree/a`, `${base}/tree/c`),
    copy(`${base}/middle`, `${base}/copied`),
    copy(`${base}/dropped`, `${base}/tree/f`),
    get(`${base}/large`),
    get(`${base}/moved`),
    list(base),
    remove(`${base}/moved`),
    removeDir(`${base}/tree/c/b`),
    removeTree(`${base}/tree`),
  ];
}

function shortSession(base: string, sources: Sources): Step[] {
  return [
    makeDirs(`${base}/tree/a`),
    put(`${base}/small`, sources, "small"),
    putHalf(`${base}/middle`, sources.middle, 600 * 1024),
    put(`${base}/middle`, sources, "middle", 600 * 1024),
    put(`${base}/tree/f`, sources, "other"),
    move(`${base}/small`, `${base}/tree/f`),
    copy(`${base}/tree/f`, `${base}/tree/a/g`),
    get(`${base}/middle`),
    list(base),
    remove(`${base}/middle`),
    removeTree(`${base}/tree`),
  ];
}

/** Goes on with what the crash left. */
function afterCrash(sources: Sources): Step[] {
  return [
    get("/done"),
    put("/large", sources, "large", HALF_BYTES),
    put("/back", sources, "middle"),
    put("/done", sources, "small"),
    list("/"),
    remove("/kept"),
  ];
}

async function makeCleanData(scene: Scene): Promise<string> {
  await scene.addUser(USER, "pw");
  const server = await scene.serve();
  await server.event("recounted");
  await server.stop();
  const data = scene.path("clean-data");
  await rename(scene.data, data);
  return data;
}

/**
 * What every kind of crash leaves, at once: an upload that was being received, one before
 * and one after its rename, a part and temporary files of nobody, a log of the database
 * that was not written back.
 */
async function makeUncleanData(scene: Scene, sources: Sources): Promise<string> {
  const { middle, large } = sources;
  await cp(scene.path("clean-data"), scene.data, { recursive: true });
  const server = await scene.serve();
  const client = await new Guest(USER).signIn(server);
  const hands = { scene, sources, server, client, wasHit: false };
  const none: Tree = new Map();
  await put("/kept", sources, "small").run(hands, none);
  await putHalf("/large", large, HALF_BYTES).run(hands, none);
  await putHalf("/back", middle, middle.bytes).run(hands, none);
  await putHalf("/done", middle, middle.bytes).run(hands, none);
  await server.kill();
  client.connection.terminate();

  const own = join(scene.data, "storage/.ftpx");
  const db = new Database(join(own, "state.sqlite"));
  try {
    db.run("PRAGMA locking_mode = EXCLUSIVE");
    db.run("PRAGMA journal_mode = WAL");
    db.run("UPDATE uploads SET phase = 'publishing' WHERE path IN ('/back', '/done')");
    const row = db.query<{ id: string }, []>("SELECT id FROM uploads WHERE path = '/done'").get();
    await rename(join(own, "parts", row?.id ?? ""), join(scene.data, "storage", USER, "done"));
    await writeFile(join(own, "parts/01234567-89ab-7def-8123-456789abcdef"), "of nobody");
    await writeFile(join(own, "identity.key.0123456789ab.tmp"), "half");
    await writeFile(join(scene.data, "accounts.toml.0123456789ab.tmp"), "half");
    const data = scene.path("unclean-data");
    // With the log, which the end of the last connection writes back and removes.
    await cp(scene.data, data, { recursive: true, filter: (path) => !path.endsWith(".sock") });
    return data;
  } finally {
    db.close();
  }
}
