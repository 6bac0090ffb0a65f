/** Reads the output of the program `ping`, of iputils and of BusyBox. Used by index.ts. */
import type { Ended } from "../../lib/program.ts";

export interface Answers {
  readonly address: string | null;
  readonly sent: number;
  /** How many of those sent were answered; duplicates do not count. */
  readonly received: number;
  readonly duplicates: number;
  /** The average; null when nothing came back. */
  readonly latencyMs: number | null;
  /** Why nothing was sent or nothing came back, if ping reports it. */
  readonly reason: string | null;
}

const summary =
  /^(?<sent>\d+) packets transmitted, (?<received>\d+)(?: packets)? received(?<more>.*?), [\d.]+% packet loss/m;
const times = /^(?:rtt|round-trip) min\/avg\/max(?:\/mdev)? = -?[\d.]+\/(?<average>-?[\d.]+)\//m;
/** `PING host (address) ...`; older versions print `PING host(name (address)) ...` for version 6. */
const opening = /^PING [^\n]*?\((?<address>[\da-f.:]+(?:%[\w.-]+)?)\)/i;
/** An answer from a host on the way, such as "Destination Host Unreachable". */
const refusal = /^From \S+ icmp_seq=\d+ (?<reason>.+)$/m;
/** Errors of the network or a nameserver, in the words of the C library. */
const unreachable = /^(?:connect|sendmsg|sendto|bind|bad address)\b|(?:unreachable|no route to host|cannot assign)/i;
const forbidden = /operation not permitted|permission denied|missing cap_net_raw|lacking privilege/i;

/** Throws where ping itself could not work: another program of that name, or one that may not send. */
export function readAnswers(host: string, { code, stdout, stderr }: Ended): Answers {
  const found = summary.exec(stdout)?.groups, address = opening.exec(stdout)?.groups?.address ?? null;
  if (found !== undefined) {
    const received = Number(found.received), average = Number(times.exec(stdout)?.groups?.average ?? NaN);
    return {
      address,
      sent: Number(found.sent),
      received,
      duplicates: Number(/\+(\d+) duplicates/.exec(found.more ?? "")?.[1] ?? 0),
      // A clock that was set back makes the time negative.
      latencyMs: received > 0 && average >= 0 ? average : null,
      reason: received > 0 ? null : refusal.exec(stdout)?.groups?.reason ?? null,
    };
  }
  const lines = stderr.trim().split("\n").map((line) => line.replace(/^(?:\S*\/)?ping6?: /, ""));
  if (lines.some((line) => forbidden.test(line))) {
    throw new Error(
      `ping may not send (${
        lines[0]
      }): let the machine's administrator set net.ipv4.ping_group_range to "0 2147483647"`,
    );
  }
  const [line = ""] = lines, ofName = line.startsWith(`${host}: `) ? line.slice(host.length + 2) : null;
  if (ofName === null && !unreachable.test(line)) {
    throw new Error(`ping failed for ${host}: ${line.slice(0, 200) || `exit code ${code}`}`);
  }
  return { address, sent: 0, received: 0, duplicates: 0, latencyMs: null, reason: ofName ?? line };
}
