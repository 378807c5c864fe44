/**
 * What the operator sees of throttling (sessions/throttle.ts): how many sources are shut out now,
 * and how many names are guarded. Which ones, the audit log says.
 */
import type { Session } from "../sessions/session.ts";
import { u32 } from "../wire/shape.ts";
import { command } from "./command.ts";

export const THROTTLING_ROWS = {
  throttling: command({
    code: 0x6f,
    needs: "admin",
    about: "how many sources are shut out for failed sign-ins, and how many names are guarded",
    request: {},
    reply: { sources: u32, names: u32 },
    run: async ({ registry }: Session) => registry.porter.throttle.counts(performance.now()),
  }),
} as const;
