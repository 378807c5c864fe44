import { expect, test } from "bun:test";
import {
  formatOperatorPort,
  parseOperatorPort,
  SECRET_BYTES,
} from "../../src/base/operatorport.ts";

const FINGERPRINT = `sha256:${"A".repeat(43)}`;
const SECRET = Uint8Array.from({ length: SECRET_BYTES }, (_unused, index) => index);
const TEXT = formatOperatorPort({ port: 9999, fingerprint: FINGERPRINT, secret: SECRET });

test("an operator's port is read as it was written", () => {
  expect(parseOperatorPort(TEXT)).toEqual({ port: 9999, fingerprint: FINGERPRINT, secret: SECRET });
});

test.each([
  "",
  TEXT.slice(0, -1),
  TEXT.replace("9999", "0"),
  TEXT.replace("9999", "65536"),
  TEXT.replace("sha256:A", "sha256:"),
  TEXT.replace("00", "0g"),
  `${TEXT}x`,
])("%p was written by no server", (text) => {
  expect(parseOperatorPort(text)).toBeUndefined();
});
