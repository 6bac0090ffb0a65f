/** `nerve token create`, `list` and `revoke`: manage who may use the listener. */
import { parseDuration } from "../../base/duration.ts";
import { NerveError } from "../../base/errors.ts";
import type { AccessScope, TokenView } from "../../protocol/access.ts";
import { type CliIo, exit } from "../io.ts";
import { dim, formatDateTime, formatDistance, print, printJson, printTable, sign } from "../render/terminal.ts";
import { connect, openWorkspace } from "../workspace.ts";

interface Flags {
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

interface CreateFlags extends Flags {
  readonly scope: AccessScope;
  readonly expires: string;
}

export async function tokenCreate(io: CliIo, flags: CreateFlags, name: string): Promise<number> {
  const forMs = parseExpires(flags.expires);
  using client = await connect(await openWorkspace(io, flags.workspace));
  const reply = await client.access.create({ name, scope: flags.scope, forMs });
  if (flags.json) {
    printJson(io, reply);
    return exit.ok;
  }
  const { secret, token: { scope, expires } } = reply;
  print(io, secret);
  const until = expires === null ? "until it is revoked" : `until ${formatDateTime(expires)}`;
  io.stderr.write(`${sign.ok} ${name}: scope ${scope}, ${until}. It is shown only now: nerve keeps a hash of it.\n`);
  return exit.ok;
}

/** The lifetime in milliseconds; null: unlimited. */
function parseExpires(text: string): number | null {
  if (text === "never") return null;
  const span = parseDuration(text);
  if (span.ok && span.value > 0) return span.value;
  throw new NerveError("USAGE", `--expires cannot be "${text}"`, { hint: "write a duration such as 30d, or never" });
}

export async function tokenList(io: CliIo, flags: Flags): Promise<number> {
  using client = await connect(await openWorkspace(io, flags.workspace));
  const items = await client.access.list(), now = io.clock.now();
  if (flags.json) {
    printJson(io, { items });
    return exit.ok;
  }
  printTable(
    io,
    ["", "NAME", "KIND", "SCOPE", "STATE", "MADE", "EXPIRES", "LAST USED"],
    items.map((each) => toCells(each, now)),
  );
  if (items.length === 0) print(io, dim(io, "there are no tokens: nerve token create NAME --scope read"));
  return exit.ok;
}

const signs = { live: sign.live, expired: sign.asleep, revoked: sign.idle } as const;

function toCells({ kind, name, scope, state, created, expires, used }: TokenView, now: number): string[] {
  const at = (ms: number | null, none: string) => ms === null ? none : formatDistance(ms, now);
  return [signs[state], name, kind, scope, state, at(created, "-"), at(expires, "never"), at(used, "never")];
}

export async function tokenRevoke(
  io: CliIo,
  flags: Flags & { readonly sessions: boolean },
  name?: string,
): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  if (name === undefined && !flags.sessions) {
    throw new NerveError("USAGE", "nothing is named that could be revoked", {
      hint: "nerve token revoke NAME, or --sessions",
    });
  }
  using client = await connect(paths);
  const reply = await client.access.revoke({ ...name !== undefined && { name }, sessions: flags.sessions });
  if (flags.json) printJson(io, reply);
  else print(io, reply.revoked.length === 0 ? "no session was open" : `${sign.ok} revoked ${reply.revoked.join(", ")}`);
  return exit.ok;
}
