/**
 * What `ftpx serve` says about registration: who may ask, and how the operator answers.
 */
import { FtpxError } from "../base/errors.ts";
import type { EventSink } from "../base/events.ts";
import { REGISTRATION_MODES } from "../sessions/admission.ts";
import type { RegistrationMode } from "../sessions/admission.ts";
import { visible } from "./escaping.ts";
import type { Place } from "./place.ts";
import { writeNote } from "./terminal.ts";
import { shellWord } from "./words.ts";

/** @throws FtpxError USAGE */
export function parseMode(text: string): RegistrationMode {
  const found = REGISTRATION_MODES.find((mode) => mode === text);
  if (found !== undefined) return found;
  const reason = `"${text}" is not one of ${REGISTRATION_MODES.join(", ")}`;
  throw new FtpxError("USAGE", { reason });
}

/** As `emit`, and behind each request for an account the line that answers it. */
export function tellingHow(emit: EventSink, place: Place): EventSink {
  return (event) => {
    emit(event);
    if (event.event !== "registration" || event["invited"] === true) return;
    const { name, number, taken, sameName } = event;
    const which = sameName === undefined ? "" : ` --request ${number}`;
    const verb = taken === true ? "deny" : "approve";
    const why = taken === true ? `the name is taken; to say so` : "to answer";
    const line = `ftpx ${verb} ${name}${which} --data ${shellWord(place.root)}`;
    writeNote(visible(`    ${why}: ${line}`));
  };
}
