/**
 * 1,000 alerts with 10 keys each, ten on each of 100 senses, which tell 200 signals a second in all: the share of a core
 * and the lateness of signals, from their row to the end of their evaluation. The floor is the same without alerts. And
 * the start over 10,000 states that fire, beyond one over none. Embedded: a real log, publisher and alerts; not measured
 * are the senses, and the workflows that alerts start. Every twentieth
 * signal makes the ten alerts of its sense fire, and a later one resolves them: 200 changes a second.
 */
import { cpuUsage } from "node:process";
import { systemClock } from "../../src/base/clock.ts";
import { delay } from "../../src/base/time.ts";
import { AlertWiring } from "../../src/kernel/alert_wiring.ts";
import { CurrentSecrets } from "../../src/kernel/current_secrets.ts";
import type { AlertDefinition } from "../../src/protocol/alert.ts";
import type { Signal } from "../../src/protocol/signal.ts";
import { SignalPublisher } from "../../src/sensing/signal_publisher.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { configOf } from "../support/parsed_config.ts";
import { figure, type Figures, percentile, repeated, timed } from "./figure.ts";

const senses = 100, alertsOfSense = 10, keys = 10, perSecond = 200, spanMs = 10_000;
const low = 0.5, high = 0.95;

const definitions: readonly AlertDefinition[] = Array.from({ length: senses * alertsOfSense }, (_, index) => ({
  ...{ name: `a${index}`, sense: `s${index % senses}`, key: "signal.path", workflow: null, repeatMs: null },
  when: `signal.used > 0.9 && signal.path.startsWith('/') && signal.n % 1000 != ${-1 - index}`,
  ...{ clear: "signal.used < 0.8", forMs: 0, keepFiringMs: 0, absentMs: 3_600_000, severity: "warning" },
  summary: "{{ key }} is {{ round(signal.used * 100) }}% full",
  limit: { count: 60, perMs: 3_600_000 },
}));

interface Bench extends AsyncDisposable {
  readonly store: Store;
  readonly alerting: AlertWiring;
  tell(n: number, used: number): Promise<number>;
}

async function open(path: string, alerts: readonly AlertDefinition[]): Promise<Bench> {
  const store = openStore(path, systemClock), config = configOf("senses: {}");
  const publisher = new SignalPublisher({
    inbox: { add: () => {}, hasListeners: () => false },
    durable: (hurry) => store.log.durable(hurry),
    isStored: () => true,
    emit: () => {},
    onSignal: (signal) => alerting.runner.onSignal(signal),
  });
  // One object, as in the kernel: of another one the mask is made anew for each row.
  const inForce = { config, environment: { all: {} } as never }, secrets = new CurrentSecrets(() => inForce);
  const workflows = { startRun: () => Promise.reject(new Error("no workflow is measured")) };
  const alerting = new AlertWiring({ store, clock: systemClock, publisher, workflows, secrets, emit: () => {} });
  alerting.runner.configure(alerts);
  await alerting.runner.start();
  return {
    store,
    alerting,
    tell: (n, used) => tell(store, publisher, n, used),
    async [Symbol.asyncDispose]() {
      alerting.runner.stop();
      await store.close();
    },
  };
}

/** The milliseconds until the signal was evaluated. `n` goes round the senses, and round the keys of each. */
async function tell(store: Store, publisher: SignalPublisher, n: number, used: number): Promise<number> {
  const sense = `s${n % senses}`, round = Math.floor(n / senses), from = systemClock.monotonic();
  const payload = { path: `/${round % keys}`, used, n: round };
  const row = store.log.append({
    ...{ source: `sense:${sense}`, type: "sense.signal", refId: sense, causeId: null },
    payload: { compute: n, trigger: "interval", payload },
  });
  const signal: Signal = { id: row.id, sense, payload, ts: row.ts };
  await publisher.publish(signal, false);
  return systemClock.monotonic() - from;
}

/** So many signals a second for some seconds, after those that make every state. */
async function measure(alerts: readonly AlertDefinition[]): Promise<{ cpu: number; late: number[] }> {
  const folder = await Deno.makeTempDir();
  await using bench = await open(`${folder}/logs.db`, alerts);
  let n = 0;
  while (n < senses * keys) await bench.tell(n++, low);
  const before = cpuUsage(), from = systemClock.monotonic(), late: Promise<number>[] = [];
  const total = perSecond * spanMs / 1_000;
  for (let told = 0; told < total; told++) {
    const waitMs = from + told * 1_000 / perSecond - systemClock.monotonic();
    if (waitMs > 0) await delay(systemClock, waitMs);
    late.push(bench.tell(n++, told % 20 === 0 ? high : low));
  }
  const { user, system } = cpuUsage(before);
  return { cpu: (user + system) / 1_000 / (systemClock.monotonic() - from) * 100, late: await Promise.all(late) };
}

export async function* figures(): Figures {
  const floor = await measure([]), { cpu, late } = await measure(definitions);
  const name = `${senses * alertsOfSense} alerts with ${keys} keys, ${perSecond} signals a second`;
  yield figure(`${name}: of one core`, "%", [cpu], floor.cpu);
  for (const percent of [50, 99]) {
    yield figure(
      `${name}: lateness of signals, p${percent}`,
      "ms",
      [percentile(late, percent)],
      percentile(floor.late, percent),
    );
  }
  const folder = await Deno.makeTempDir(), path = `${folder}/logs.db`;
  {
    await using bench = await open(path, definitions);
    for (let n = 0; n < senses * keys; n++) await bench.tell(n, high);
    const { firing } = bench.alerting.operations.counts();
    if (firing < 9_000) throw new Error(`only ${firing} states fire`);
  }
  const start = (file: string, alerts: readonly AlertDefinition[]) =>
    repeated(5, () => timed(async () => await (await open(file, alerts))[Symbol.asyncDispose]()));
  const none = percentile(await start(`${folder}/none.db`, definitions), 50);
  yield figure("start over 10,000 states of alerts", "ms", await start(path, definitions), none);
}
