/** The names of failures.md row P6 and their kin, and what must never reach a terminal. */

export const HOSTILE_NAMES: readonly string[] = [
  "\x1b[2J\x1b]0;pwn\x07",
  "a\rb",
  "a\nb",
  "bidi\u202egnp.exe",
  "isolate\u2066x\u2069",
  "c1\u009b31mred",
  "del\x7f",
  "bad\u{10feff}\u{10fefe}",
];

/** C0, DEL, C1 and bidirectional controls. A line end is put by us, never by a name. */
export const UNSAFE_ON_TERMINAL = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u;
