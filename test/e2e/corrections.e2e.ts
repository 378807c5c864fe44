import { afterEach, beforeEach, expect, test } from "bun:test";
import { Desk } from "./applicants.ts";

let desk: Desk;

beforeEach(async () => {
  desk = await Desk.open();
});

afterEach(() => desk.scene.end());

test("who corrects a mistyped password while the request waits signs in with the last", async () => {
  const words = ["register", desk.server.target("bob")];
  const give = (password: string) =>
    desk.scene.run([...words, "--password-stdin"], { stdin: `${password}\n` });
  expect((await give("sceret")).status).toBe(0);
  const asked = await desk.scene.run(words);
  expect(asked.stderr).toContain("waits, with the password that was typed then");
  const corrected = await give("secret");
  expect(corrected.stderr).toContain("the request for bob waits, with the password given now");
  expect((await desk.pending()).length).toBe(1);
  await desk.operate("approve", "bob");

  expect((await desk.quotaAs("bob", "sceret")).status).toBe(77);
  expect((await desk.quotaAs("bob", "secret")).status).toBe(0);
});
