import { expect, test } from "bun:test";
import { FtpxError } from "../../src/base/errors.ts";
import { exitStatusOf, worstStatus } from "../../src/cli/status.ts";

test.each([
  [new FtpxError("NO_SUCH_PATH"), 66],
  [new FtpxError("INTERRUPTED"), 130],
  [new TypeError("broken"), 70],
  ["broken", 70],
])("exitStatusOf answers the status of a failure: case %#", (error, status) => {
  expect(exitStatusOf(error)).toBe(status);
});

test.each([
  [[], 0],
  [[0, 0], 0],
  [[0, 75, 0], 75],
  [[75, 66], 66],
  [[66, 73, 64], 64],
  [[77, 65, 76], 65],
  [[65, 70], 70],
  [[70, 130, 65], 130],
  [[75, 42], 42],
])("worstStatus of %p is %p", (statuses, worst) => {
  expect(worstStatus(statuses)).toBe(worst);
});
