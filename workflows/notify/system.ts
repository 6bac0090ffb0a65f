/** Notifies on this machine: in the system's log with `logger`, or its user with `notify-send`. Used by index.ts. */
import { runProgram } from "../../lib/program.ts";
import { clipText, type Notice } from "./notice.ts";
import type { Settings } from "./settings.ts";

const logMaxChars = 8_000, desktopMaxChars = 1_000;

export async function sendToSystem(
  channel: "syslog" | "desktop",
  notice: Notice,
  { to }: Settings,
  signal: AbortSignal,
): Promise<void> {
  if (channel === "syslog") {
    const text = clipText(`${notice.title}: ${notice.text}`.replaceAll(/\s*[\r\n]+\s*/g, " "), logMaxChars);
    const args = [...toTarget(to), "--tag", "nerve", "--priority", `user.${toLevel(notice)}`, "--", text];
    return void await runProgram({ name: "logger", args, env: {} }, signal, "logger failed");
  }
  // The program inherits the variables that are granted, such as DBUS_SESSION_BUS_ADDRESS.
  const urgent = notice.state === "firing" || notice.state === "still", { title, text } = notice;
  // A server that supports this hint shows one notification for an incident, the newest.
  const hint = notice.incident === null ? [] : ["--hint", `string:x-canonical-private-synchronous:${notice.incident}`];
  const words = [
    "--",
    clipText(title, 200),
    clipText(text, desktopMaxChars).replaceAll("&", "&amp;").replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;"),
  ];
  const args = ["--app-name", "nerve", "--urgency", urgent && notice.severity === "critical" ? "critical" : "normal"];
  await runProgram({ name: "notify-send", args: [...args, ...hint, ...words], env: {} }, signal, "notify-send failed");
}

/** `to`: empty for this machine's log, or `tcp:host:port`, `udp:host:port`. */
function toTarget([target]: readonly string[]): string[] {
  if (target === undefined) return [];
  const { proto, host, port } = /^(?<proto>tcp|udp):(?<host>.+):(?<port>\d{1,5})$/.exec(target)?.groups ?? {};
  if (proto === undefined || host === undefined || port === undefined) {
    throw new TypeError('config.to of syslog must be such as "tcp:logs.example.com:514"');
  }
  const server = ["--server", host.replace(/^\[(.*)\]$/, "$1"), "--port", port, `--${proto}`];
  return proto === "tcp" ? [...server, "--octet-count"] : server;
}

function toLevel({ state, severity }: Notice): string {
  if (state === "resolved" || state === "info") return "notice";
  return severity === "critical" ? "crit" : severity === "error" ? "err" : severity === "info" ? "notice" : "warning";
}
