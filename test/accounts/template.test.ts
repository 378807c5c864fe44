import { expect, test } from "bun:test";
import { TEMPLATE } from "../../src/accounts/template.ts";
import * as admin from "../../src/cli/admin.ts";
import { PASSWD_SPEC } from "../../src/cli/passwd.ts";

test("the template of accounts.toml names commands that there are, and no others", () => {
  const specs = Object.values(admin).filter((value) => "name" in value && "about" in value);
  const commands = [...specs.map(({ name }): string => name), PASSWD_SPEC.name];
  const [, list = ""] = /The commands ([\w, ]+) change/.exec(TEMPLATE) ?? [];
  const quoted = [...TEMPLATE.matchAll(/"ftpx (\w+)/g)].map(([, name = ""]) => name);
  const named = [...list.split(/, | and /), ...quoted];

  expect(named.length).toBeGreaterThan(3);
  expect(commands).toEqual(expect.arrayContaining(named));
});
