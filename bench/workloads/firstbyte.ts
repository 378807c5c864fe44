/** W8: how long it takes until content of a very large file is on its way: nothing is read twice. */
import { truncateSync, writeFileSync } from "node:fs";
import { remove } from "../material.ts";
import { errandsOf, startFtpx } from "../peers/ftpx.ts";
import { LOOPBACK } from "../place.ts";
import { firstProgress } from "../progress.ts";
import { GIB } from "./workload.ts";
import type { Workload } from "./workload.ts";

export const FIRST_BYTE: Workload = {
  name: "W8",
  about: "time to the first byte of a put of 20 GiB (sparse), loopback",
  grows: "scale",
  run: async (bench) => {
    const server = await startFtpx(bench.ground, LOOPBACK);
    const { errand } = errandsOf(bench.ground, LOOPBACK, server);
    const source = bench.ground.path("w8");
    writeFileSync(source, "");
    truncateSync(source, bench.scaled(20 * GIB));
    let count = 0;
    const run = async () => {
      // Another path each time, else it would go on where it was.
      count += 1;
      const put = errand("put", "--json", source, server.target(`/w8-${count}`));
      const { seconds } = await firstProgress(put, 0);
      return [{ what: "first byte", unit: "s" as const, value: seconds }];
    };
    await bench.takeTurns("W8", [{ who: "ftpx", run }]);
    await remove(source);
  },
};
