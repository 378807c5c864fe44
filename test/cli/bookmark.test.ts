import { expect, test } from "bun:test";
import { FtpxError } from "../../src/base/errors.ts";
import { bookmark } from "../../src/cli/bookmark.ts";

test.each(["toString", "hasOwnProperty", "isPrototypeOf", "__proto__", "remove"])(
  "%s is nothing that is done to bookmarks",
  async (action) => {
    for (const words of [[action], [action, "a-name"]]) {
      const failure: unknown = await bookmark(words, { json: undefined }).catch(
        (error: unknown) => error,
      );

      expect(failure).toBeInstanceOf(FtpxError);
      expect((failure as FtpxError).details.reason).toStartWith("bookmark add NAME TARGET | list");
    }
  },
);
