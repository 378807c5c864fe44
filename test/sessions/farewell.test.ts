/** How a session goes while something that it has asked for is still being done. */
import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { FtpxError } from "../../src/base/errors.ts";
import { parsePath } from "../../src/base/path.ts";
import { keyLine, SignIns } from "../support/signins.ts";
import { turn } from "../support/socket.ts";

test("P2, P3: what a session began before it ended is done in its own home, not in the next one", async () => {
  const keys = [keyLine(1)];
  const signIns = await SignIns.open({ eve: { keys }, bob: { keys } });
  const [eves, bobs] = [signIns.session(), signIns.session()];
  await signIns.byKey(eves, 1, { user: "eve" });
  const gate = Promise.withResolvers<void>();
  const making = eves.during(async () => {
    await gate.promise;
    await eves.vfs.makeDir(parsePath("/eves"), false);
  });
  const ending = eves.end(new FtpxError("CONNECTION_LOST"));
  // Bob's home gets the first descriptor that is free.
  await signIns.byKey(bobs, 1, { user: "bob" });
  gate.resolve();
  await Promise.all([making, ending]);
  const homes = ["eve", "bob"].map((user) => readdirSync(signIns.homeOf(user)));
  const { account } = await bobs.vfs.quota();
  await signIns.close();

  expect(homes).toEqual([["eves"], []]);
  expect(account.used).toEqual({ bytes: 0, files: 0 });
});

test("a session that waits for its requests is still there, and gives its home back then", async () => {
  const signIns = await SignIns.open({ ann: { keys: [keyLine(1)] } });
  const session = signIns.session();
  await signIns.byKey(session, 1);
  const gate = Promise.withResolvers<void>();
  const failing = session.during(async () => {
    await gate.promise;
    throw new FtpxError("NO_SUCH_PATH");
  });
  failing.catch(() => {});
  const ending = session.end(new FtpxError("KICKED"));
  // Long enough to go, if nothing kept it.
  for (let turns = 0; turns < 50; turns += 1) await turn();
  const isThere = signIns.registry.sessions.has(session);
  gate.resolve();
  await ending;
  const isGone = !signIns.registry.sessions.has(session);
  await signIns.close();

  expect([isThere, isGone]).toEqual([true, true]);
});
