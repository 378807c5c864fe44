import { expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { parsePath } from "../../src/base/path.ts";
import { NOTHING, WAYS, openScratch, outcomeOf, put, snapshot } from "./scratch.ts";

for (const way of WAYS) {
  test.each([
    ["a file to a free name", "/f", "/n", "done"],
    ["a directory to a free name", "/d", "/n", "done"],
    ["a link to a free name", "/l", "/n", "done"],
    ["a file over a file", "/f", "/g", "EXISTS"],
    ["a file over a link", "/f", "/l", "EXISTS"],
    ["a link over a file", "/l", "/f", "EXISTS"],
    ["a file onto itself", "/f", "/f", "EXISTS"],
    ["a file over its own hard link", "/f", "/h", "EXISTS"],
    ["a directory over an empty directory", "/d", "/e", "EXISTS"],
    ["a directory onto itself", "/d", "/d", "EXISTS"],
    ["a directory into itself", "/d", "/d/n", "BAD_PATH"],
    ["what is not there", "/no", "/n", "NO_SUCH_PATH"],
  ])(
    `a move that may not replace (${way}), %s (%s to %s): %s`,
    async (_case, from, to, outcome) => {
      const { store, home, homeDir, close } = await openScratch({ way });
      for (const path of ["/d", "/e"]) await home.makeDir(parsePath(path));
      for (const path of ["/f", "/g", "/d/f"]) await put(store, home, path, `of ${path}`);
      fs.symlinkSync("f", join(homeDir, "l"));
      fs.linkSync(join(homeDir, "f"), join(homeDir, "h"));
      const [before, was] = [await home.measure(), snapshot(homeDir)];
      const moving = home.move(parsePath(from), parsePath(to), false);

      expect(await outcomeOf(moving)).toBe(outcome);
      expect(await home.measure()).toEqual(before);
      if (outcome === "done") {
        expect(await moving).toEqual(NOTHING);
        expect(await outcomeOf(home.facts(parsePath(from)))).toBe("NO_SUCH_PATH");
      } else expect(snapshot(homeDir)).toEqual(was);
      await close();
    },
  );

  test(`what somebody else makes at the last moment is not replaced (${way})`, async () => {
    const made = { name: "" };
    const { store, home, homeDir, close } = await openScratch({
      way,
      changes: (system) => ({
        ...system,
        renameNew: async (from, to) => {
          fs.writeFileSync(join(homeDir, made.name), "theirs");
          await system.renameNew(from, to);
        },
      }),
    });
    await put(store, home, "/f", "ours");
    await home.makeDir(parsePath("/d"));
    for (const [from, to] of [
      ["/f", "file"],
      ["/d", "directory"],
    ] as const) {
      made.name = to;
      expect(await outcomeOf(home.move(parsePath(from), parsePath(`/${to}`), false))).toBe(
        "EXISTS",
      );
    }

    expect(snapshot(homeDir)).toEqual([
      "d directory",
      "directory = theirs",
      "f = ours",
      "file = theirs",
    ]);
    await close();
  });
}
