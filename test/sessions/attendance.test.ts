import { expect, test } from "bun:test";
import { FtpxError } from "../../src/base/errors.ts";
import { Attendance } from "../../src/sessions/attendance.ts";
import type { Sighting } from "../../src/state/contract.ts";
import { failureOf, refusal } from "../support/refusal.ts";

test("sign-ins of a second are written together, each user once, and then no more", async () => {
  const written: (readonly Sighting[])[] = [];
  const attendance = new Attendance({ see: async (sightings) => void written.push(sightings) });
  attendance.note("ann", 1);
  attendance.note("bob", 2);
  attendance.note("ann", 3);
  await attendance.write();
  await attendance.write();

  expect(written).toEqual([
    [
      { user: "ann", atMs: 3 },
      { user: "bob", atMs: 2 },
    ],
  ]);
});

test("what could not be written is written the next time, unless something newer is known", async () => {
  const written: Sighting[] = [];
  let isFull = true;
  const see = async (sightings: readonly Sighting[]) => {
    if (isFull) throw new FtpxError("DISK_FULL");
    written.push(...sightings);
  };
  const attendance = new Attendance({ see });
  attendance.note("ann", 1);
  attendance.note("bob", 1);
  const writing = failureOf(attendance.write());
  attendance.note("ann", 2);
  expect(await writing).toEqual(refusal("DISK_FULL"));
  isFull = false;
  await attendance.write();

  expect(written).toEqual([
    { user: "ann", atMs: 2 },
    { user: "bob", atMs: 1 },
  ]);
});
