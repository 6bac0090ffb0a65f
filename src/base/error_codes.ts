/**
 * Every code of a `NerveError`, with its meaning, cause and remedy. `deno task docs` generates docs/errors.md from this
 * table. The type `ErrorCode` is its keys, so every code is described. At run time nerve loads only the types.
 */

interface ErrorCodeText {
  /** The failure in one sentence. */
  readonly meaning: string;
  readonly cause: string;
  readonly remedy: string;
}

export const errorCodes = {
  CONFIG_INVALID: {
    meaning: "nerve.yaml has errors.",
    cause: "A key, a value or a name in nerve.yaml is wrong, or the file changed while a command was editing it.",
    remedy: "`nerve validate` lists every problem with its line and column, and how to fix it.",
  },
  WORKSPACE_EXISTS: {
    meaning: "What the command would create is there already.",
    cause: "The folder is a workspace already, or it has a sense or workflow of that name.",
    remedy: "Choose another name (`--as NEW` for the library), or complete the workspace with `nerve init --force`.",
  },
  WORKSPACE_MISSING: {
    meaning: "No workspace was found.",
    cause: "There is no nerve.yaml here, in a folder above or in ~/.nerve, or the folder cannot be used.",
    remedy: "Change into the workspace, name it with `--workspace DIR` or `NERVE_WORKSPACE`, or run `nerve init`.",
  },
  NAME_INVALID: {
    meaning: "The name cannot be the name of a sense, a group or a workflow.",
    cause: "A name has 1 to 64 lowercase letters, digits and hyphens, with no hyphen at either end.",
    remedy: "Choose a name such as `queue-length`.",
  },
  FOLDER_UNSAFE: {
    meaning: "The folder for the socket is missing or not safe to use.",
    cause:
      "The workspace's path is too long for a socket, so nerve uses the user's runtime folder; that one cannot be made, or " +
      "other users may write to it.",
    remedy: "Set `XDG_RUNTIME_DIR` to a folder that only you may use, or remove the folder that the message names.",
  },
  OWNER_UNTRUSTED: {
    meaning: "Another user owns, or may change, what nerve would use.",
    cause:
      "The workspace, a file in it, a folder on the way to it, a backup or an executable belongs to another user, or " +
      "its mode lets others write. What it holds would run, or be opened, with your rights.",
    remedy: "Run the `chown` or `chmod` that the message names. `NERVE_TRUST=DIR` trusts a folder whatever its owner.",
  },
  ISOLATION_MISSING: {
    meaning: "This system has no Landlock, and nerve.yaml requires it.",
    cause: "`isolation: require` refuses to run where only Deno's permissions would hold senses and workflows.",
    remedy: "Use Linux 5.13 or later with Landlock on (`lsm=` of its command line), or drop `isolation`.",
  },
  GRANT_REPLACED: {
    meaning: "A granted path leads elsewhere by a link that the program of a sense or workflow may have made.",
    cause: "The link leads out of a folder that a unit may write. The unit of the grant does not start; others go on.",
    remedy: "Remove the link, or grant what it leads to. Then it starts automatically, or with `nerve reload`.",
  },
  DAEMON_RUNNING: {
    meaning: "A daemon already runs in this workspace.",
    cause: "Each workspace has one daemon at most, and some commands need it to be stopped.",
    remedy: "`nerve status` shows the daemon. `nerve stop` ends it, `nerve restart` replaces it.",
  },
  DAEMON_MISSING: {
    meaning: "No daemon runs in this workspace.",
    cause: "The daemon was never started, has stopped, or stopped while the command waited for its answer.",
    remedy: "`nerve start`, or `nerve run` in the foreground.",
  },
  DAEMON_ANSWER: {
    meaning: "The daemon did not answer, or its answer makes no sense to this version.",
    cause: "The daemon hangs, was stopped by a signal, did not come up, or is of another version than the command.",
    remedy: "`nerve status` and `nerve logs` show its state. `nerve restart` replaces it.",
  },
  PERMISSION_UNAPPROVED: {
    meaning: "nerve.yaml asks for permissions that were not approved.",
    cause: "A sense or workflow asks for more than nerve.permissions.lock agrees to, so its code must not run with it.",
    remedy: "`nerve permissions diff` shows what was added. `nerve permissions approve` agrees to it.",
  },
  SENSE_UNKNOWN: {
    meaning: "There is no sense of that name.",
    cause: "nerve.yaml has no such sense, or its folder is there but nerve.yaml does not name it.",
    remedy: "`nerve sense list` shows the senses of the workspace, `nerve sense library` those that come with nerve.",
  },
  WORKFLOW_UNKNOWN: {
    meaning: "There is no workflow of that name.",
    cause: "nerve.yaml has no such workflow, or its folder is there but nerve.yaml does not name it.",
    remedy: "`nerve workflow list` shows those of the workspace, `nerve workflow library` those that come with nerve.",
  },
  ALERT_UNKNOWN: {
    meaning: "There is no alert of that name, or it has no state with that key.",
    cause: "nerve.yaml has no such alert under `alerts`, or no signal with that key was heard.",
    remedy: "`nerve alert list` shows the alerts, `nerve alert show NAME` the states of one.",
  },
  HOOK_UNKNOWN: {
    meaning: "There is no hook of that name that a sense computes for.",
    cause: "nerve.yaml has no such hook under `hooks`, or no reflex names it.",
    remedy: "`nerve hook list` shows the hooks and the senses that compute for them.",
  },
  HOOK_UNPROVEN: {
    meaning: "A delivery does not prove where it comes from.",
    cause: "Its signature or token is missing or wrong, it is too old, or it lacks the header that names it.",
    remedy: "Give the sender the same secret as nerve, and compare how it signs with `verify` in nerve.yaml.",
  },
  HOOK_BUSY: {
    meaning: "A delivery cannot be taken now.",
    cause: "Its `rate` is used up, its `backlog` is full of unheard deliveries, its secret is unset, or the log fails.",
    remedy: "Senders try again after the time in `retry-after`. `nerve hook list` shows what waits, and why.",
  },
  HOST_REFUSED: {
    meaning: "The listener does not answer under that name.",
    cause:
      "A browser could be made to send requests to it under a foreign name. It answers under its loopback address, " +
      "under `localhost`, and under the `hosts` of `listen`.",
    remedy: "Add the name under which your proxy or tunnel is reached to `listen.hosts` in nerve.yaml.",
  },
  ORIGIN_REFUSED: {
    meaning: "The listener does not answer a page of another origin.",
    cause: "A page of another site or port sent the request, or a session was used without saying from where.",
    remedy: "Use the dashboard itself; programs use a token: `nerve token create`.",
  },
  ACCESS_MISSING: {
    meaning: "The request shows neither a token nor a session.",
    cause: "The listener serves the API, the dashboard and `/metrics` to those who have one.",
    remedy: "Open the dashboard with `nerve dashboard`, or send `Authorization: Bearer` with a token.",
  },
  ACCESS_UNKNOWN: {
    meaning: "The token or session is not known.",
    cause: "It is misspelt, belongs to another workspace, or is long over.",
    remedy: "`nerve token list` shows the tokens; make a new one with `nerve token create`, or open `nerve dashboard`.",
  },
  ACCESS_EXPIRED: {
    meaning: "The token or session has expired.",
    cause: "A token is valid for the time given with `--expires`, a session for seven days.",
    remedy: "Make a new one with `nerve token create`, or open `nerve dashboard`.",
  },
  ACCESS_REVOKED: {
    meaning: "The token or session was revoked.",
    cause: "Somebody ended it with `nerve token revoke`, or logged out.",
    remedy: "Make a new one with `nerve token create`, or open `nerve dashboard`.",
  },
  ACCESS_SCOPE: {
    meaning: "The token or session may not do that.",
    cause:
      "Scope `read` changes nothing, `hook` only delivers to hooks, and tokens are made only on the workspace's socket.",
    remedy: "Use a token of the scope that the message names.",
  },
  ACCESS_LIMITED: {
    meaning: "Too many wrong tokens, sessions or links were shown.",
    cause: "Someone guesses, or a program still uses an expired token.",
    remedy: "Wait a minute. `nerve events --type access.denied` shows what was denied.",
  },
  LINK_UNKNOWN: {
    meaning: "The link to the dashboard is not known.",
    cause: "It is older than five minutes, is misspelt, or the daemon that gave it has ended.",
    remedy: "`nerve dashboard` makes a new one.",
  },
  LINK_USED: {
    meaning: "The link to the dashboard has been used.",
    cause: "A link opens one session. If it was not you who used it, someone else did.",
    remedy: "`nerve dashboard` makes a new one; `nerve token revoke --sessions` ends every session.",
  },
  TOKEN_UNKNOWN: {
    meaning: "There is no token or session of that name.",
    cause: "The name is misspelt, or it was revoked or has expired.",
    remedy: "`nerve token list` shows them.",
  },
  TOKEN_EXISTS: {
    meaning: "There is a token of that name.",
    cause: "Names tell tokens apart, so two that live never share one.",
    remedy: "Choose another name, or revoke the other one: `nerve token revoke NAME`.",
  },
  TOKENS_MANY: {
    meaning: "There are too many tokens.",
    cause: "A workspace has 256 tokens at most.",
    remedy: "`nerve token list` shows them; revoke what is no longer used.",
  },
  RUN_UNKNOWN: {
    meaning: "There is no run with that id.",
    cause: "The id is misspelt, or belongs to another workspace.",
    remedy: "`nerve workflow list --all` shows every run.",
  },
  RUN_CONFLICT: {
    meaning: "A run with this id exists, and it was started with other input.",
    cause: "An id belongs to one run: only the same workflow, prompt, payload and maxRounds attach to it.",
    remedy: "Use another id, or ask for the very same run.",
  },
  RUN_ENDED: {
    meaning: "The run has ended.",
    cause: "A run that has ended never changes again: it cannot be killed, and what it asked cannot be decided.",
    remedy: "`nerve workflow inspect RUN` shows how it ended.",
  },
  SESSION_UNKNOWN: {
    meaning: "There is no session of an agent with that id.",
    cause: "The id is misspelt, or belongs to another workspace.",
    remedy: "`nerve session list` shows the sessions that have not ended, with `--all` every one.",
  },
  APPROVAL_UNKNOWN: {
    meaning: "There is no request with that id.",
    cause: "The id is misspelt, or belongs to another workspace.",
    remedy: "`nerve approvals` shows what waits for a decision, with `--all` also what was decided.",
  },
  APPROVAL_DECIDED: {
    meaning: "The request was decided before, in another way or by someone else.",
    cause: "A request is decided once: by the first decision, or by its expiry.",
    remedy: "`nerve approvals ID` shows the decision.",
  },
  APPROVAL_STALE: {
    meaning: "The decision is about something else than the request asks.",
    cause: "A decision names the digest of what was shown, and this one is not the digest of the request.",
    remedy: "Look at the request again (`nerve approvals ID`), and decide on what it shows.",
  },
  APPROVAL_FORBIDDEN: {
    meaning: "The decision has no signature of anyone who may decide the request.",
    cause: "nerve.yaml names approvers: a decision counts when one of them has signed it, for this request and option.",
    remedy: "Sign it with your key: `nerve approve ID --key FILE`. `nerve approvals ID` shows who may decide.",
  },
  EVENT_CONFLICT: {
    meaning: "The run was sent another event with this key.",
    cause: "A key belongs to one event of its run: the same key with the same name and payload is that event again.",
    remedy: "Use a new key for each event, and the same key to send one again.",
  },
  EVENTS_MANY: {
    meaning: "The run keeps too many events that it has not waited for.",
    cause: "A run keeps at most 1,000 events, and 1 MiB of them, until it waits for them.",
    remedy: "`nerve workflow inspect RUN` shows what it waits for; send it fewer events, or end it.",
  },
  RUN_PAUSED: {
    meaning: "The run is paused.",
    cause: "What a paused run asks is not decided until the run is resumed.",
    remedy: "`nerve workflow resume RUN`, and then decide.",
  },
  PAYLOAD_INVALID: {
    meaning: "The body of the request, or the payload, cannot be used.",
    cause: "It is not JSON, does not have the shape that the route asks for, or is too large.",
    remedy: "See the route in api.md. Put large data into a file or a blob and pass its name.",
  },
  QUERY_INVALID: {
    meaning: "The SQL is refused.",
    cause: "`nerve sense query` runs exactly one statement, and only one that reads.",
    remedy: "Write one select. `nerve sense schema NAME` shows the tables.",
  },
  DATABASE_MISSING: {
    meaning: "The sense has no database yet.",
    cause: "Its first compute makes the database, and it has not computed.",
    remedy: "Start the daemon, or trigger the sense: `nerve sense trigger NAME`.",
  },
  CLIENTS_MANY: {
    meaning: "Too many clients read events.",
    cause: "The daemon serves 64 event streams at most.",
    remedy: "Close one of them.",
  },
  ROW_UNKNOWN: {
    meaning: "The log has no such row.",
    cause: "The id is misspelt, or the row has left the log for its archive.",
    remedy: "`nerve events` shows the newest rows, `nerve events --archived` also those in the archive.",
  },
  ENGINE_UNKNOWN: {
    meaning: "There is no engine of that name.",
    cause: "nerve.yaml has none under `engines`.",
    remedy: "`nerve engine list` shows the names; docs/engines.md says how to describe one.",
  },
  ENGINE_AWAY: {
    meaning: "The server of a distributed engine cannot be reached, or has not handed the run to this daemon.",
    cause: "The server is down, the network between it and the daemon is, or another daemon works on the run.",
    remedy: "`nerve engine status` says which. Runs wait until the server is back, and nothing is lost.",
  },
  ENGINE_WRONG: {
    meaning: "The server that nerve.yaml names for an engine is another one, too old, or refuses this daemon.",
    cause: "An address under `engines` is wrong, the server is old or cannot call the daemon, or secrets differ.",
    remedy: "The message names the key of nerve.yaml and what answers there; `nerve engine status` shows it again.",
  },
  ENGINE_CANNOT: {
    meaning: "A distributed engine cannot do what was asked.",
    cause: "Some things need the log of one machine: the table in docs/engines.md has them, with the reasons.",
    remedy: "Do without, or give the workflow to the local engine.",
  },
  STORE_FAILED: {
    meaning: "A file or database could not be read or written.",
    cause: "The disk is full, a file may not be accessed, a database is damaged or was written by a newer nerve.",
    remedy: "Do what the second line says. `nerve doctor` and `nerve store verify` look for the reason.",
  },
  INTERNAL: {
    meaning: "nerve itself failed.",
    cause: "A bug of nerve.",
    remedy: "Run the command again with `NERVE_DEBUG=1` and report what it prints; the daemon's log has more.",
  },
  UPGRADE_FAILED: {
    meaning: "The upgrade was not made.",
    cause:
      "The file is not a nerve for this machine, its checksum differs, it refuses the workspace, or another upgrade runs.",
    remedy: "The message says what failed, and whether anything was changed. The old version stays in place.",
  },
  USAGE: {
    meaning: "The command or request is malformed.",
    cause: "An unknown command, flag or route, a missing argument, a value of the wrong form, or flags that clash.",
    remedy: "Add `--help` to the command, or see cli.md and api.md.",
  },
} as const satisfies Readonly<Record<string, ErrorCodeText>>;

export type ErrorCode = keyof typeof errorCodes;
