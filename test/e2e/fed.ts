/** What a test writes into the stdin of a shell. */
import { expect } from "bun:test";
import type { FileSink } from "bun";

export async function feed(stdin: FileSink, lines: string): Promise<void> {
  await stdin.write(lines);
  await stdin.flush();
}

/** As `feed`, for a shell that may have ended by itself before it was told more. */
export async function feedUnlessGone(stdin: FileSink, lines: string): Promise<void> {
  await feed(stdin, lines).catch((error: unknown) =>
    expect(error).toMatchObject({ code: "EPIPE" }),
  );
}
