/**
 * The command line as a person sees it: in a real terminal, by `script` of util-linux, for colour, pages and Ctrl-C;
 * and through real pipes, for plain text and for readers that leave early.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../src/base/clock.ts";
import { waitUntil } from "../../src/daemon/discovery.ts";
import { long } from "../support/long_form.ts";
import { nerveCommand } from "../support/nerve_program.ts";
import { inTempDir, writeWorkspace } from "../support/temp_workspace.ts";
import { deadlineMs, processesIn, within } from "../support/workspace_fixture.ts";

const nerve = nerveCommand.map((word) => `'${word}'`).join(" ");

/** Without it these tests cannot check anything: a clear failure is better than a pass that means nothing. */
async function requireScript(): Promise<void> {
  const available = await new Deno.Command("sh", { args: ["-c", "command -v script"], stdout: "null" }).output();
  assert.ok(available.success, "these tests need `script` of util-linux (Debian: package bsdutils)");
}

interface Terminal {
  /** All that the terminal has shown so far. */
  readonly shown: string;
  type(text: string): Promise<void>;
  seen(pattern: RegExp): Promise<void>;
  readonly code: Promise<number>;
}

/** Runs a shell command in a terminal of its own while `test` observes it. */
async function inTerminal(
  cwd: string,
  command: string,
  env: Record<string, string>,
  test: (terminal: Terminal) => Promise<void>,
): Promise<void> {
  await requireScript();
  const child = new Deno.Command("script", {
    // Not below a shell: dash stays, Ctrl-C ends it as well, and only its 130 would be seen of the command.
    args: ["-qefc", `exec ${command}`, "/dev/null"],
    cwd,
    env: { SHELL: "/bin/sh", TERM: "xterm-256color", NO_COLOR: "", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const keyboard = child.stdin.getWriter(), waiting = new Set<() => void>();
  let shown = "", over = false;
  const reading = (async () => {
    for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
      shown += part;
      for (const look of waiting) look();
    }
    over = true;
    for (const look of waiting) look();
  })();
  const seen = async (pattern: RegExp) => {
    while (!pattern.test(shown)) {
      assert.ok(!over, `the command ended before it showed ${pattern}`);
      await new Promise<void>((resolve) => waiting.add(resolve));
      waiting.clear();
    }
  };
  const code = Promise.all([child.status, reading]).then(([status]) => status.code);
  try {
    await test({
      get shown() {
        return shown;
      },
      type: (text) => keyboard.write(new TextEncoder().encode(text)),
      seen: (pattern) => within(seen(pattern), `the terminal to show ${pattern}`, () => shown.slice(-2_000)),
      // Its time limit begins when the test asks for it: a promise that is made here could reject before anything
      // awaits it.
      get code() {
        return within(code, "the command to end", () => shown.slice(-2_000));
      },
    });
  } finally {
    await keyboard.close().catch(() => {});
    // A test that failed half-way leaves its command running: its failure must be reported, not a hang.
    for (const pid of over ? [] : processesIn(await Deno.realPath(cwd))) {
      try {
        Deno.kill(pid, "SIGKILL");
      } catch {
        // It was already ending.
      }
    }
    await code;
  }
}

async function inShell(cwd: string, command: string): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command("bash", { args: ["-c", command], cwd }).output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

const workspace = {
  "nerve.yaml": "senses: { beat: {}, other: {} }\nreflexes: [{ sense: beat, interval: 200ms }]\n",
  "senses/beat/index.ts": `export const compute = ({ sqlite }) => {
    sqlite.exec("create table if not exists beats (id integer primary key, text text) strict");
    sqlite.exec("with recursive n(i) as (select 1 union all select i + 1 from n where i < 300) insert into beats (text) select 'x' from n");
    return { beat: "\\u001b[31mred\\u001b[0m" };
  };`,
  "senses/other/index.ts": "export const compute = () => null;",
};

const grey = "\\x1b\\[2m";

Deno.test("in a terminal there is colour, Ctrl-C stops cleanly, and control characters of user code are shown, not obeyed", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, workspace);
    await inTerminal(root, `${nerve} run`, {}, async (terminal) => {
      await terminal.seen(/📡 beat/);
      await terminal.type("\x03");
      assert.equal(await terminal.code, 0);
      assert.match(terminal.shown, new RegExp(`${grey}\\d\\d:\\d\\d:\\d\\d`));
      assert.match(terminal.shown, /stopping; a second interrupt ends it at once/);
      assert.match(terminal.shown, /✅ stopped after/);
      assert.ok(!terminal.shown.includes("\x1b[31m"), "the colour of a payload reached the terminal");
      assert.match(terminal.shown, /u001b\[31mred/);
    });
    await inTerminal(root, `${nerve} events --limit 1`, {}, async ({ code, seen }) => {
      assert.equal(await code, 0);
      await seen(new RegExp(`${grey}earlier: nerve events --before \\d+ --limit 1`));
    });
    const next = /nerve (events --before \d+ --limit 1)/.exec((await inShell(root, `${nerve} events --limit 1`)).out)
      ?.[1];
    assert.match((await inShell(root, `${nerve} ${next}`)).out, /^\d+ .*\n1 row\n/);
  });
});

Deno.test("nerve run without output ends cleanly when its terminal window is closed", async () => {
  await inTempDir(async (root) => {
    await requireScript();
    await writeWorkspace(root, {
      "nerve.yaml": "senses: { other: {} }\nreflexes: [{ sense: other, interval: 1h }]\n",
      "senses/other/index.ts": workspace["senses/other/index.ts"],
    });
    const window = new Deno.Command("script", {
      args: ["-qefc", `exec ${nerve} run`, "/dev/null"],
      cwd: root,
      env: { SHELL: "/bin/sh" },
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const realRoot = await Deno.realPath(root);
    const socketThere = () => Deno.lstat(`${root}/nerve.sock`).then(() => true, () => false);
    try {
      assert.ok(await waitUntil(systemClock, deadlineMs, socketThere), "nerve run did not come up");
      window.kill("SIGKILL");
      await window.status;
      const ended = () => processesIn(realRoot).length === 0;
      assert.ok(await waitUntil(systemClock, deadlineMs, ended), "nerve run outlived its window");
    } finally {
      for (const pid of processesIn(realRoot)) Deno.kill(pid, "SIGKILL");
      await window.stdin.close().catch(() => {});
    }
    assert.match((await inShell(root, `${nerve} events`)).out, /kernel\.stopped/);
  });
});

long.test("with NO_COLOR, in a dumb terminal and in a pipe the output is plain", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, workspace);
    for (const env of [{ NO_COLOR: "1" }, { TERM: "dumb" }]) {
      await inTerminal(root, `${nerve} sense list`, env, async (terminal) => {
        assert.equal(await terminal.code, 0);
        assert.match(terminal.shown, /beat +beat/);
        assert.ok(!terminal.shown.includes("\x1b[2m"));
      });
    }
    await inTerminal(root, `${nerve} sense list`, {}, async (terminal) => {
      assert.equal(await terminal.code, 0);
      assert.match(terminal.shown, new RegExp(grey));
    });
    const piped = await inShell(root, `${nerve} sense list | cat`);
    assert.match(piped.out, /^ +SENSE/);
    assert.ok(!piped.out.includes("\x1b"));
  });
});

long.test("events -f in a terminal shows what happens until Ctrl-C", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, workspace);
    await inTerminal(root, `${nerve} run`, {}, async (daemon) => {
      await daemon.seen(/📡 beat/);
      await inTerminal(root, `${nerve} events -f --type sense.signal`, {}, async (terminal) => {
        await terminal.seen(/(sense\.signal[^]*){14}/);
        await terminal.type("\x03");
        assert.equal(await terminal.code, 0);
      });
      await daemon.type("\x03");
      assert.equal(await daemon.code, 0);
    });
  });
});

long.test("a large query ends when its reader has seen enough, without an error", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, workspace);
    await inTerminal(root, `${nerve} run`, {}, async (daemon) => {
      await daemon.seen(/📡 beat/);
      await daemon.type("\x03");
      assert.equal(await daemon.code, 0);
    });
    const large = `"with recursive n(i) as (select 1 union all select i + 1 from n) select i from n"`;
    for (const format of ["csv", "json", "table"]) {
      const { code, out, err } = await inShell(
        root,
        `set -o pipefail; ${nerve} sense query beat ${large} --format ${format} | head -5`,
      );
      assert.deepEqual([code, err, out.split("\n").length], [0, "", 6], format);
    }
    const refused = await inShell(root, `${nerve} sense query beat "delete from beats"`);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /it would do more than read/);
  });
});

/** How each shell is asked, without a terminal, for proposals for the last of `words`: one proposal per line. */
const completionScripts: Readonly<Record<string, (words: readonly string[]) => string>> = {
  bash: (words) =>
    `source <(nerve completions bash); COMP_WORDS=(${words.join(" ")}); COMP_CWORD=${words.length - 1}; _nerve; ` +
    `printf '%s\\n' "\${COMPREPLY[@]}"`,
  zsh: (words) =>
    `compdef() { }; source <(nerve completions zsh); _describe() { print -l -- "\${(@)\${(P@)2}%%:*}" }; ` +
    `_files() { print a file }; words=(${words.join(" ")}); CURRENT=${words.length}; _nerve`,
  fish: (words) => `nerve completions fish | source; complete -C "${words.join(" ").replace("''", "")}" | cut -f 1`,
};

const quiet: Readonly<Record<string, readonly string[]>> = { zsh: ["-f"], fish: ["--no-config"] };

long.test("with the script that nerve prints, each shell completes commands and names of senses", async (t) => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { ...workspace, "bin/nerve": `#!/bin/sh\nexec ${nerve} "$@"\n` });
    await Deno.chmod(`${root}/bin/nerve`, 0o700);
    const run = async (shell: string, text: string) => {
      const env = { PATH: `${root}/bin:${Deno.env.get("PATH")}`, XDG_CONFIG_HOME: root, XDG_DATA_HOME: root };
      const { stdout, stderr } = await new Deno.Command(shell, {
        // Without anybody's own settings.
        args: [...quiet[shell] ?? [], "-c", text],
        cwd: root,
        env,
      }).output();
      return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    };
    for (const [shell, ask] of Object.entries(completionScripts)) {
      const available = await run(shell, "true").then(() => true, () => false);
      await t.step({
        name: available ? shell : `${shell} is not here`,
        ignore: !available,
        async fn() {
          assert.equal(await run(shell, ask(["nerve", "sense", "que"])), "query\n");
          assert.equal(await run(shell, ask(["nerve", "sense", "query", "''"])), "beat\nother\n");
        },
      });
    }
    const elsewhere = await inShell("/", `${nerve} __complete sense query -w '${root}' b`);
    assert.match(elsewhere.out, /^beat\t/, "names are those of the workspace that the line means");
  });
});
