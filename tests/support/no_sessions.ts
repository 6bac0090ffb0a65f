/** A kernel without sessions of agents, for tests of the control API. */
import type { SessionsPort } from "../../src/control/kernel_port.ts";
import { unknownSession } from "../../src/protocol/common_errors.ts";

export const noSessions: SessionsPort = {
  list: () => ({ total: 0, items: [] }),
  one: (id) => fail(id),
  transcript: (id) => Promise.try(fail, id),
  end: (id) => Promise.try(fail, id),
};

function fail(id: string): never {
  throw unknownSession(id);
}
