/**
 * `nerve dashboard`: a one-time link to the dashboard, opened in a browser or printed.
 * I1. The link is never an argument of a program: any user of the machine could read it there and use it first. The
 *     browser gets a file that only this user may read, and that redirects to the link.
 */
import { join } from "node:path";
import { NerveError } from "../../base/errors.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import type { SessionScope } from "../../protocol/access.ts";
import { type CliIo, exit } from "../io.ts";
import type { DashboardOutput } from "../render/access_schemas.ts";
import { print, printJson, sign } from "../render/terminal.ts";
import { connect, openWorkspace } from "../workspace.ts";

interface Flags {
  readonly print: boolean;
  readonly scope: SessionScope;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export async function dashboard(io: CliIo, flags: Flags): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  using client = await connect(paths);
  const { path, expires, listener } = await client.access.makeLink(flags.scope);
  if (listener?.listening !== true) {
    throw new NerveError("USAGE", listener?.problem ?? "nerve does not listen", {
      hint: "add listen: 127.0.0.1:7077 to nerve.yaml",
    });
  }
  const url = `http://${toReachable(listener.address)}${path}`;
  const opened = !flags.print && !flags.json && hasDisplay(io) && await openInBrowser(paths, url);
  if (flags.json) printJson(io, { url, expires, opened } satisfies DashboardOutput);
  else print(io, url);
  if (flags.print || flags.json) return exit.ok;
  io.stderr.write(
    opened
      ? `${sign.ok} opened in a browser; the link above works once, for five minutes\n`
      : `${sign.signal} open it in a browser on this machine: it works once, for five minutes. ${
        describeTunnel(io, listener.address)
      }`,
  );
  return exit.ok;
}

/** An address for all interfaces includes the loopback. */
function toReachable(address: string): string {
  return address.replace(/^(0\.0\.0\.0|\[::\]):/, "127.0.0.1:");
}

function hasDisplay({ env }: CliIo): boolean {
  if (Deno.build.os === "darwin") return env["SSH_CONNECTION"] === undefined;
  return Boolean(env["DISPLAY"] || env["WAYLAND_DISPLAY"]);
}

function describeTunnel({ env }: CliIo, address: string): string {
  if (env["SSH_CONNECTION"] === undefined) return "\n";
  const port = address.replace(/^.*:/, ""), host = env["SSH_CONNECTION"].split(" ")[2] ?? "HOST";
  return `\n   from where you sit: ssh -L ${port}:127.0.0.1:${port} ${host}, and then the link\n`;
}

/** False when there is no program for it, or the program failed. */
async function openInBrowser({ data }: WorkspacePaths, url: string): Promise<boolean> {
  const file = join(data, "dashboard.html"), program = Deno.build.os === "darwin" ? "open" : "xdg-open";
  await Deno.remove(file).catch((thrown) => {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  });
  const text = `<!doctype html><meta http-equiv="refresh" content="0;url=${url}"><title>nerve</title>`;
  await Deno.writeTextFile(file, text, { mode: 0o600, createNew: true });
  try {
    const { success } = await new Deno.Command(program, { args: [file], stdout: "null", stderr: "null" }).output();
    return success;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}
