/**
 * The distributed engines of nerve.yaml: creates the client of each server, and reports their state. Created by
 * wiring.ts; workflow/cluster/engines.ts has the engines behind their port.
 */
import { isDeepEqual } from "../base/deep_equal.ts";
import { NerveError } from "../base/errors.ts";
import { hintNearest } from "../base/did_you_mean.ts";
import type { Clock } from "../base/time.ts";
import type { NerveConfig } from "../config/types.ts";
import type { EngineDefinition, EngineList, EngineView } from "../protocol/engine.ts";
import { RestateEngine } from "../restate/restate_engine.ts";
import type { ClusterRuns } from "../workflow/cluster/cluster_runs.ts";
import type { Engines } from "../workflow/cluster/engines.ts";
import type { EngineState } from "../workflow/cluster/ports.ts";

export interface EngineHostPorts {
  readonly engines: Engines;
  readonly runs: ClusterRuns;
  readonly clock: Clock;
  readonly reportProblem: (message: string) => void;
  /** The value of a variable; null: it is not set. */
  readonly readSecret: (variable: string) => string | null;
}

export class EngineHost {
  readonly #ports: EngineHostPorts;
  #servers: ReadonlyMap<string, RestateEngine> = new Map();
  #workflows: NerveConfig["workflows"] = new Map();

  constructor(ports: EngineHostPorts) {
    this.#ports = ports;
  }

  /** Keeps engines whose definition is unchanged. */
  configure({ engines, workflows }: Pick<NerveConfig, "engines" | "workflows">): void {
    const { clock, reportProblem, readSecret } = this.#ports, before = this.#servers;
    this.#workflows = workflows;
    this.#servers = new Map([...engines].map(([name, definition]) => {
      const server = before.get(name);
      if (server !== undefined && isDeepEqual(server.definition, definition)) return [name, server];
      return [name, new RestateEngine(definition, clock, reportProblem, readSecret)];
    }));
    this.#ports.engines.setServers(this.#servers);
  }

  async list(): Promise<EngineList> {
    const servers = [...this.#servers.values()];
    return {
      items: await Promise.all(servers.map(async (server) => this.#view(server.definition, await server.state()))),
    };
  }

  /** Registers this daemon with the server now. Error: ENGINE_UNKNOWN. The view contains problems of the server. */
  async register(name: string): Promise<EngineView> {
    const server = this.#servers.get(name);
    if (server === undefined) {
      const hint = hintNearest(name, this.#servers.keys()) ?? "describe it under engines of nerve.yaml";
      throw new NerveError("ENGINE_UNKNOWN", `there is no engine ${name}`, { hint });
    }
    return this.#view(server.definition, await server.register());
  }

  #view({ name, kind, ingress, admin }: EngineDefinition, state: EngineState): EngineView {
    const workflows = [...this.#workflows.values()].filter(({ engine }) => engine === name);
    return {
      ...{ name, kind, ingress: [...ingress], admin: [...admin], ...state },
      workflows: workflows.map((workflow) => workflow.name),
      runs: this.#ports.runs.count(name),
    };
  }
}
