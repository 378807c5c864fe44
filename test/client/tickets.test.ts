import { afterEach, beforeEach, expect, test } from "bun:test";
import fs from "node:fs";
import { Tickets } from "../../src/client/tickets.ts";
import { Folder } from "../support/folder.ts";

const TICKET = new Uint8Array(16).fill(7);

let folder: Folder;
let tickets: Tickets;

beforeEach(() => {
  folder = new Folder();
  tickets = new Tickets(folder.at("home"));
});

afterEach(() => folder.remove());

test("a ticket is kept for one name at one server, for its owner's eyes only", async () => {
  expect(await tickets.find("host:1", "ann")).toBeUndefined();
  await tickets.keep("host:1", "ann", TICKET);

  expect(await tickets.find("host:1", "ann")).toEqual(TICKET);
  expect(await tickets.find("host:1", "bob")).toBeUndefined();
  expect(await tickets.find("host:2", "ann")).toBeUndefined();
  const [file = ""] = fs.readdirSync(folder.at("home/registrations"));
  expect(file).toMatch(/^[0-9a-f]{32}$/);
  expect(fs.statSync(folder.at(`home/registrations/${file}`)).mode & 0o777).toBe(0o600);
  expect(fs.statSync(folder.at("home/registrations")).mode & 0o777).toBe(0o700);
});

test("a ticket that is forgotten is gone, and may be forgotten twice", async () => {
  await tickets.keep("[::1]:1", "ann", TICKET);
  await tickets.forget("[::1]:1", "ann");
  await tickets.forget("[::1]:1", "ann");

  expect(await tickets.find("[::1]:1", "ann")).toBeUndefined();
});

test("a file that holds no ticket is as none, and can be replaced", async () => {
  await tickets.keep("host:1", "ann", TICKET);
  const [file = ""] = fs.readdirSync(folder.at("home/registrations"));
  fs.writeFileSync(folder.at(`home/registrations/${file}`), "0707\n");
  expect(await tickets.find("host:1", "ann")).toBeUndefined();
  await tickets.keep("host:1", "ann", TICKET);

  expect(await tickets.find("host:1", "ann")).toEqual(TICKET);
});
