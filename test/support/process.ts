/** What the kernel says of a process of this machine that still runs. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** Memory that it has of its own and with others, in RAM. */
export function residentBytesOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) * 1024;
}

/** Processor time that it has used so far, in user and system mode. */
export function cpuSecondsOf(pid: number): number {
  const { own } = cpuOf(pid);
  return own;
}

/** In seconds: its own, and that of its children that have ended and that it has waited for. */
export function cpuOf(pid: number): { own: number; ended: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // Its name, in brackets, may have any characters in it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // proc(5) counts from 1, and two fields are cut off.
  const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15).map(Number);
  return { own: (user + system) / 100, ended: (endedUser + endedSystem) / 100 };
}

/** How long this thread has had the processor; what others take of a busy machine is not in it. */
export function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

export function descriptorCountOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** What its descriptors lead to, without those that close meanwhile or lie deeper than a path says. */
export function openFilesOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((name) => {
    try {
      return [readlinkSync(join(folder, name))];
    } catch {
      return [];
    }
  });
}
