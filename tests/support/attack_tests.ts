/**
 * Families of attacks as tests: what attack_daemon.ts describes, for each family of tests/faults/attacks.
 *
 *     attackTest("nothing outside can be read", { passwd: { body: "return Deno.readTextFileSync('/etc/passwd')",
 *     outcome: /NotCapable/ } });
 *
 * An attack is the body of an async function. It has `config` (its targets: `Targets`), `signal` and `log`, and as a
 * sense `sqlite`, `db` and the rest of a context. Its outcome is one text: `threw MESSAGE`, `returned JSON`, `died:
 * MESSAGE` or `timeout`.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../src/base/clock.ts";
import { systemIsolation } from "../../src/process/isolation.ts";
import { AttackDaemon, longForm } from "./attack_daemon.ts";
import { tell } from "./attack_outcome.ts";
import { Bystanders, type Targets } from "./attack_targets.ts";
import { type Attacks, isForRoles, keepClaimed, type Realm } from "./attack_workspace.ts";
import { type Form, isLong, long, scaled } from "./long_form.ts";
import { fromFileUrl } from "./paths.ts";
import { within } from "./workspace_fixture.ts";

export type { Attack, Attacks } from "./attack_workspace.ts";

export interface AttackOptions {
  /** Checks for damage when all attacks are over. */
  readonly check?: (daemon: AttackDaemon, outcomes: ReadonlyMap<string, string>) => Promise<void>;
  /** Further files of the workspace. */
  readonly files?: Readonly<Record<string, string>>;
  /** Variables of the daemon. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: as it is; in the long form also with everything replaced. */
  readonly realm?: Realm;
  /** The attacks that Landlock, too, claims to stop, with the system's error then; for another outcome: `alone`. */
  readonly landlock?: readonly string[];
  /** Whether each attack is made by a sense and by a role in the gate, too, because `check` needs both. */
  readonly isWhole?: boolean;
  /** The parts that depend on ports and paths, which are known only when the targets exist. */
  readonly attacks?: (targets: Targets) => Attacks;
}

/**
 * Runs a daemon with all attacks of the family as senses and as roles, then checks the bystanders; then the same with
 * Landlock alone for the attacks that it claims to stop (`alone`), where this system has it.
 */
export function attackTest(title: string, attacks: Attacks, options: AttackOptions = {}): void {
  registerAttacks(title, attacks, options, scaled);
}

/** The same in the long form only, for a family like another one in the gate. */
export function longAttackTest(title: string, attacks: Attacks, options: AttackOptions = {}): void {
  registerAttacks(title, attacks, options, long);
}

function registerAttacks(title: string, attacks: Attacks, options: AttackOptions, form: Form): void {
  const realms: readonly Realm[] = longForm ? ["plain", "spy", "thrower"] : ["plain"];
  for (const realm of options.realm === undefined ? realms : [options.realm]) {
    const suffix = realm === "plain" ? "" : `, in a realm where everything is replaced (${realm})`;
    form.test({ name: title + suffix, fn: () => runAttacks(attacks, { ...options, realm }, null) });
  }
  const isForLandlock = Object.values(attacks).some(({ alone }) => alone !== undefined);
  if (options.landlock === undefined && !isForLandlock) return;
  (isForLandlock ? form : long).test({
    name: `Landlock alone: ${title}`,
    ignore: systemIsolation().landlock === 0,
    fn: () => runAttacks(attacks, { ...options, realm: "plain", check: () => Promise.resolve() }, landlockOnly),
  });
}

/** In the gate each attack is made once, alternately by a sense or by a role; in the long form by both. */
function inTurns(attacks: Attacks): Attacks {
  return Object.fromEntries(
    Object.entries(attacks).map(([name, attack], at) => {
      const isForBoth = attack.only === undefined && isForRoles(attack);
      return [name, isForBoth ? { ...attack, only: at % 2 === 0 ? "workflow" : "sense" } : attack];
    }),
  );
}

async function runAttacks(
  attacks: Attacks,
  options: AttackOptions & { readonly realm: Realm },
  program: string | null,
): Promise<void> {
  await using bystanders = await Bystanders.start();
  const each = { ...attacks, ...options.attacks?.(bystanders.targets) };
  const every = isLong || options.isWhole ? each : inTurns(each);
  const all = program === null ? every : keepClaimed(every, options.landlock);
  await using daemon = await AttackDaemon.start(bystanders, all, options, program);
  const quiet = longForm ? await daemon.nextTicks(30) : null;
  const from = systemClock.now(), outcomes = new Map<string, string>();
  const bySenses = async () => {
    for (const [name, { only }] of Object.entries(all)) {
      if (only !== "workflow") outcomes.set(name, await within(daemon.bySense(name), `an end of ${name}`));
    }
  };
  const byWorkflows = async () => {
    for (const [name, attack] of Object.entries(all)) {
      if (!isForRoles(attack)) continue;
      const outcome = await within(daemon.byWorkflow(name, attack), `an end of the role ${name}`);
      outcomes.set(`${name} (workflow)`, outcome);
    }
  };
  // Side by side where only their outcome counts, one by one where the ticks beside them count.
  if (!longForm) await Promise.all([bySenses(), byWorkflows()]);
  else await bySenses().then(byWorkflows);
  // Where everything throws, what should work may fail.
  const failed = /^(threw |died: |timeout)/;
  const holes = [...outcomes].filter(([key, outcome]) =>
    !all[key.replace(" (workflow)", "")]?.outcome.test(outcome) &&
    !(options.realm === "thrower" && failed.test(outcome))
  );
  assert.deepEqual(holes.map(([key, outcome]) => `${key}: ${outcome}`), [], "what came to something else");
  if (longForm) { for (const [key, outcome] of outcomes) tell(`${key} -> ${outcome}`); }
  await daemon.bystandersAreFine(quiet, from);
  if (options.realm === "plain") await options.check?.(daemon, outcomes);
}

const landlockOnly = fromFileUrl(new URL("landlock_only.ts", import.meta.url));
