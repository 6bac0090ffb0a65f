/** The output of different programs called ping. */
import assert from "node:assert/strict";
import { readAnswers } from "../../../senses/ping/output.ts";

const opening = "PING a.example (192.0.2.7) 56(84) bytes of data.\n";
const ended = (stdout: string, stderr = "", code = 0) => ({ stdout, stderr, code });
const told = (...args: Parameters<typeof ended>) => readAnswers("a.example", ended(...args));

Deno.test("readAnswers() counts an answer once that comes twice", () => {
  const lines =
    "\n--- a.example ping statistics ---\n3 packets transmitted, 2 received, +2 duplicates, 33.3333% packet loss, " +
    "time 402ms\nrtt min/avg/max/mdev = 0.021/0.038/0.052/0.012 ms\n";
  assert.deepEqual(told(opening + lines), {
    address: "192.0.2.7",
    sent: 3,
    received: 2,
    duplicates: 2,
    latencyMs: 0.038,
    reason: null,
  });
});

Deno.test("readAnswers() has the words of a router that sends packets back, in both versions of the protocol", () => {
  const end =
    "\n--- a.example ping statistics ---\n2 packets transmitted, 0 received, +2 errors, 100% packet loss, time 1001ms\n\n";
  const four = `${opening}From 192.0.2.1 icmp_seq=1 Destination Host Unreachable\n${end}`;
  assert.deepEqual([told(four, "", 1).reason, told(four, "", 1).received], ["Destination Host Unreachable", 0]);
  const six = `PING a.example(a.example (2001:db8::7)) 56 data bytes\nFrom 2001:db8::1: icmp_seq=1 ` +
    `Destination unreachable: Address unreachable\n${end}`;
  const { reason, address } = told(six, "", 1);
  assert.deepEqual([reason, address], ["Destination unreachable: Address unreachable", "2001:db8::7"]);
});

Deno.test("readAnswers() understands BusyBox, and a clock that was set back", () => {
  const busybox = "PING a.example (192.0.2.7): 56 data bytes\n64 bytes from 192.0.2.7: seq=0 ttl=64 time=0.081 ms\n\n" +
    "--- a.example ping statistics ---\n1 packets transmitted, 1 packets received, 0% packet loss\n" +
    "round-trip min/avg/max = 0.081/0.081/0.081 ms\n";
  assert.deepEqual([told(busybox).received, told(busybox).latencyMs], [1, 0.081]);
  const back = `${opening}\n1 packets transmitted, 1 received, 0% packet loss, time 0ms\n` +
    "rtt min/avg/max/mdev = -3599999.1/-3599999.1/-3599999.1/0.000 ms\n";
  assert.deepEqual([told(back).received, told(back).latencyMs], [1, null]);
});

Deno.test("readAnswers() tells an unknown name, a failing nameserver and a missing route apart", () => {
  for (
    const [line, reason] of [
      ["/usr/bin/ping: a.example: Name or service not known", "Name or service not known"],
      ["ping: a.example: Temporary failure in name resolution", "Temporary failure in name resolution"],
      ["ping: connect: Network is unreachable", "connect: Network is unreachable"],
      ["ping: bad address 'a.example'", "bad address 'a.example'"],
    ]
  ) {
    const answers = told("", `${line}\n`, 2);
    assert.deepEqual([answers.sent, answers.latencyMs, answers.reason], [0, null, reason]);
  }
});

Deno.test("readAnswers() throws where ping itself cannot work", () => {
  const denied = "ping: socktype: SOCK_RAW\nping: socket: Operation not permitted\n" +
    "ping: => missing cap_net_raw+p capability or setuid?\n";
  assert.throws(() => told("", denied, 2), /may not send.*ping_group_range/);
  assert.throws(
    () => told("", "ping: invalid option -- 'i'\nusage\n", 1),
    /ping failed for a\.example: invalid option/,
  );
  assert.throws(() => told("", "", 1), /exit code 1/);
});
