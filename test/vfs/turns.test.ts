import { expect, test } from "bun:test";
import { Turns } from "../../src/vfs/turns.ts";
import { withChance } from "../support/chance.ts";
import { turn } from "../support/socket.ts";

/** Changes that begin and end when told, and a log of when they did. */
class Stage {
  readonly log: string[] = [];
  readonly #ends = new Map<string, () => void>();

  change(name: string): () => Promise<string> {
    return async () => {
      this.log.push(`+${name}`);
      await new Promise<void>((resolve) => this.#ends.set(name, resolve));
      this.log.push(`-${name}`);
      return name;
    };
  }

  async end(name: string): Promise<void> {
    this.#ends.get(name)?.();
    await turn();
  }
}

const reject = () => Promise.reject(new Error("of the change"));
const crash = () => {
  throw new Error("at once");
};

function make(): { turns: Turns; stage: Stage } {
  return { turns: new Turns(), stage: new Stage() };
}

test("changes of one path go one after the other, in their order", async () => {
  const { turns, stage } = make();
  const work = ["1", "2", "3"].map((name) => turns.onPath("/a", stage.change(name)));
  await turn();
  expect(stage.log).toEqual(["+1"]);
  for (const name of ["1", "2", "3"]) await stage.end(name);

  expect(stage.log).toEqual(["+1", "-1", "+2", "-2", "+3", "-3"]);
  expect(await Promise.all(work)).toEqual(["1", "2", "3"]);
});

test("changes of different paths go on side by side", async () => {
  const { turns, stage } = make();
  const work = [turns.onPath("/a", stage.change("a")), turns.onPath("/b", stage.change("b"))];
  await turn();
  expect(stage.log).toEqual(["+a", "+b"]);
  await stage.end("b");
  await stage.end("a");

  expect(await Promise.all(work)).toEqual(["a", "b"]);
});

test("a change of a tree waits for all that is under way, and what comes later waits for it", async () => {
  const { turns, stage } = make();
  const work = [
    turns.onPath("/a", stage.change("a")),
    turns.onPath("/b", stage.change("b")),
    turns.onTree(stage.change("tree")),
    turns.onPath("/a", stage.change("later")),
    turns.onPath("/c", stage.change("other")),
  ];
  await turn();
  expect(stage.log).toEqual(["+a", "+b"]);
  await stage.end("a");
  expect(stage.log).toEqual(["+a", "+b", "-a"]);
  await stage.end("b");
  expect(stage.log.slice(3)).toEqual(["-b", "+tree"]);
  await stage.end("tree");
  expect(stage.log.slice(5)).toEqual(["-tree", "+later", "+other"]);
  await stage.end("later");
  await stage.end("other");

  expect(await Promise.all(work)).toHaveLength(5);
});

test("changes of trees go one after the other", async () => {
  const { turns, stage } = make();
  const work = ["1", "2"].map((name) => turns.onTree(stage.change(name)));
  await turn();
  await stage.end("1");
  await stage.end("2");

  expect(stage.log).toEqual(["+1", "-1", "+2", "-2"]);
  expect(await Promise.all(work)).toEqual(["1", "2"]);
});

test("a change that waits for its path lets a tree go first that came meanwhile", async () => {
  const { turns, stage } = make();
  const work = [
    turns.onPath("/a", stage.change("1")),
    turns.onPath("/a", stage.change("2")),
    turns.onTree(stage.change("tree")),
  ];
  await turn();
  await stage.end("1");
  expect(stage.log).toEqual(["+1", "-1", "+tree"]);
  await stage.end("tree");
  await stage.end("2");

  expect(await Promise.all(work)).toHaveLength(3);
});

test.each(["onPath", "onTree"] as const)(
  "a change in %s that fails frees its turn",
  async (how) => {
    const { turns, stage } = make();
    const failing = how === "onPath" ? turns.onPath("/a", reject) : turns.onTree(reject);
    const next = turns.onPath("/a", stage.change("next"));

    expect(failing).rejects.toThrow("of the change");
    await turn();
    await stage.end("next");
    expect(await next).toBe("next");
  },
);

test("a change that throws before it waits frees its turn too", async () => {
  const { turns } = make();

  expect(turns.onPath("/a", crash)).rejects.toThrow("at once");
  expect(turns.onTree(crash)).rejects.toThrow("at once");
  expect(await turns.onPath("/a", () => Promise.resolve(1))).toBe(1);
});

test("Q1: whatever is asked for in whatever order, trees are alone and paths one at a time", async () => {
  await withChance(async (chance) => {
    const turns = new Turns();
    const running: string[] = [];
    const change = (name: string) => async () => {
      const isAlone = name === "tree" ? running.length === 0 : !running.includes(name);
      expect(isAlone && !running.includes("tree")).toBeTrue();
      running.push(name);
      for (let waits = chance.below(4); waits > 0; waits -= 1) await turn();
      running.splice(running.indexOf(name), 1);
    };
    const work: Promise<void>[] = [];
    for (let asked = 0; asked < 500; asked += 1) {
      const name = chance.pick(["/a", "/b", "/c", "tree"]);
      work.push(name === "tree" ? turns.onTree(change(name)) : turns.onPath(name, change(name)));
      if (chance.percent(30)) await turn();
    }
    await Promise.all(work);

    expect(running).toEqual([]);
  });
});
