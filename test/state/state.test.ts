import { afterEach, expect, test } from "bun:test";
import { openState } from "../../src/state/state.ts";
import { stateContract } from "../contract/state.ts";
import type { StatePlace } from "../contract/desk.ts";
import { Folder } from "../support/folder.ts";
import { failureOf, refusal } from "../support/refusal.ts";

const folders: Folder[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) folder.remove();
});

function makePlace(): StatePlace {
  const folder = new Folder();
  return { open: () => openState(folder.at("state.db")), remove: () => folder.remove() };
}

function folderOf(): Folder {
  const folder = new Folder();
  folders.push(folder);
  return folder;
}

stateContract("SQLite state", makePlace);

test("a second server finds the state busy, and can have it when the first is gone", async () => {
  const file = folderOf().at("state.db");
  const first = await openState(file);

  expect(await failureOf(openState(file))).toEqual(refusal("SERVER_RUNNING"));
  expect(await failureOf(openState(file))).toEqual(refusal("SERVER_RUNNING"));
  await first.recount("ann", { bytes: 1, files: 1 });
  await first.close();
  const second = await openState(file);
  expect(await second.account("ann")).toMatchObject({ used: { bytes: 1, files: 1 } });
  await second.close();
});

test("a state that cannot be opened says so, and leaves no thread behind", async () => {
  const file = folderOf().at("none/state.db");

  expect(await failureOf(openState(file))).toEqual(refusal("STATE_FAILED"));
});
