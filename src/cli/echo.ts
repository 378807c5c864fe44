/**
 * The terminal's echo, off for as long as live lines are painted: an Enter that is shown
 * would move them, and each would leave a dead copy. What is typed stays for whoever reads
 * next, and Ctrl-C and Ctrl-Z work as ever. Only of a terminal in whose foreground we are,
 * because the system stops whoever else changes it.
 */
import { readFileSync } from "node:fs";
import { mayUse } from "../base/ways.ts";

/** As `stty -g` has written it; nothing while the echo is the terminal's own. */
let before: string | undefined;

export function hideTyped(): void {
  if (before !== undefined || !process.stdin.isTTY || !isInForeground()) return;
  const saved = stty("-g").trim();
  if (saved === "") return;
  before = saved;
  stty("-echo");
}

export function showTyped(): void {
  if (before === undefined) return;
  const saved = before;
  before = undefined;
  if (isInForeground()) stty(saved);
}

process.on("exit", showTyped);

function stty(mode: string): string {
  try {
    const ran = Bun.spawnSync(["stty", mode], { stdin: "inherit", stderr: "ignore" });
    return ran.success ? ran.stdout.toString() : "";
  } catch {
    // A system without it, where the echo stays.
    return "";
  }
}

/** Told by ps(1), or by /proc, which costs less. */
function isInForeground(): boolean {
  try {
    if (process.platform === "win32") return false;
    if (process.platform !== "linux" || !mayUse("process-facts")) {
      const words = ["ps", "-o", "pgid=,tpgid=", "-p", `${process.pid}`];
      const [group, foreground] = Bun.spawnSync(words).stdout.toString().trim().split(/\s+/);
      return group !== undefined && group === foreground;
    }
    // pid (name) state ppid pgrp session tty tpgid …; a name may hold anything.
    const [, rest = ""] = /^.*\) (.*)$/s.exec(readFileSync("/proc/self/stat", "utf8")) ?? [];
    const [, , group, , , foreground] = rest.split(" ");
    return group !== undefined && group === foreground;
  } catch {
    return false;
  }
}
