import { expect, test } from "bun:test";
import { LIST_PAGE_ENTRIES_MAX, TREE_ENTRIES_MAX } from "../../src/base/limits.ts";
import { HOME } from "../../src/base/path.ts";
import { pagesOf } from "../../src/cli/verbs/entries.ts";
import type { Client, ReplyOf } from "../../src/client/client.ts";
import { outcomeOf } from "../support/refusal.ts";

type Page = ReplyOf<"list">;
const PLAIN = { name: "f", kind: "file", bytes: 1, modifiedMs: 5 } as const;

/** A client whose server answers every question for a page. */
function answering(page: (asked: number) => Page): Client {
  let asked = 0;
  const call = () => {
    asked += 1;
    return Promise.resolve(page(asked));
  };
  return { call } as unknown as Client;
}

async function countOf(client: Client): Promise<number> {
  let count = 0;
  for await (const page of pagesOf(client, HOME)) count += page.length;
  return count;
}

test("pages are read to the one without a cursor", async () => {
  const client = answering((asked) => ({ entries: [PLAIN], cursor: asked < 7 ? 3 : 0 }));

  expect(await countOf(client)).toBe(7);
});

test("an empty directory is one page of nothing, without a cursor", async () => {
  expect(await countOf(answering(() => ({ entries: [], cursor: 0 })))).toBe(0);
});

test.each([1, 4])("D7: page %p of nothing with a cursor is refused", async (empty) => {
  const client = answering((asked) => ({ entries: asked < empty ? [PLAIN] : [], cursor: 3 }));

  expect(await outcomeOf(countOf(client))).toBe("BAD_BODY");
});

test("D6: pages without end are given up", async () => {
  const entries = Array.from({ length: LIST_PAGE_ENTRIES_MAX }, () => PLAIN);
  let pageCount = 0;
  const client = answering(() => ({ entries, cursor: 3 }));
  const read = async () => {
    for await (const page of pagesOf(client, HOME)) pageCount += page.length > 0 ? 1 : 0;
  };

  expect(await outcomeOf(read())).toBe("TREE_TOO_LARGE");
  expect(pageCount).toBe(TREE_ENTRIES_MAX / LIST_PAGE_ENTRIES_MAX);
});
