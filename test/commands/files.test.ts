import { expect, test } from "bun:test";
import { HOME } from "../../src/base/path.ts";
import { remove, removeDir } from "../../src/commands/files.ts";
import type { Session } from "../../src/sessions/session.ts";
import { refusal } from "../support/refusal.ts";

test("the home directory is not removed, whatever the account may do", () => {
  const session = {} as Session;
  const refused = refusal("BAD_PATH", { reason: "the home directory stays" });

  expect(remove(session, { path: HOME, isRecursive: true })).rejects.toThrow(refused);
  expect(removeDir(session, { path: HOME })).rejects.toThrow(refused);
});
