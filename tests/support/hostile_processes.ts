/**
 * Processes that violate the protocol, in place of nerve's own: the kernel starts "itself" (Deno.execPath), and this
 * file makes that a script of the test. The script has the shim's socket and token, so that it can send whatever an
 * escaped sandbox could.
 */
import { writeProgram } from "./programs.ts";

/**
 * The beginning of each script: `say(value)` sends one line, `hear()` waits for the next message of the kernel, `init`
 * is the first message.
 */
const prelude = `
const socket = await Deno.connect({ transport: "unix", path: Deno.env.get("NERVE_SOCKET")! });
const write = async (text: string) => {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += await socket.write(bytes.subarray(at));
};
const say = (value: unknown) => write(JSON.stringify(value) + "\\n");
const lines = socket.readable.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
let held = "";
const hear = async (): Promise<any> => {
  while (!held.includes("\\n")) {
    const { value, done } = await lines.next();
    if (done) Deno.exit(0);
    held += value;
  }
  const end = held.indexOf("\\n"), line = held.slice(0, end);
  held = held.slice(end + 1);
  return JSON.parse(line);
};
/** The next message of a kind; whatever else comes meanwhile is let go by. */
const hearA = async (t: string): Promise<any> => {
  for (;;) {
    const message = await hear();
    if (message.t === t) return message;
  }
};
await write(Deno.env.get("NERVE_TOKEN") + "\\n");
const { spec } = await hear();
const name: string = spec.name;
`;

/** The variable whose grant marks a unit as hostile: it reaches the process of that unit and no other. */
const mark = "EXAMPLE_HOSTILE";

/** The permissions of a hostile sense or workflow in nerve.yaml. */
export const hostile = { permissions: { env: [mark] } } as const;

/**
 * Until it is disposed of, a process whose unit has the grants of `hostile` runs the script of its name instead of
 * nerve's shim. All other units run as usual.
 */
export class HostileProcesses implements Disposable {
  readonly #folder: string = Deno.makeTempDirSync({ prefix: "nerve-hostile-" });
  readonly #execPath = Deno.execPath;

  /** `scripts`: by unit name, the code of its process. */
  constructor(scripts: Readonly<Record<string, string>>) {
    const script = `${this.#folder}/hostile.ts`, deno = Deno.execPath();
    const cases = Object.entries(scripts).map(([unit, body]) =>
      `if (name === ${JSON.stringify(unit)}) {\n${body}\nDeno.exit(0);\n}`
    );
    Deno.writeTextFileSync(script, prelude + cases.join("\n"));
    const instead = `exec '${deno}' run -A --no-check --no-lock --quiet '${script}'`;
    const shell = `#!/bin/sh\n[ -n "$${mark}" ] && ${instead}\nexec '${deno}' "$@"\n`;
    writeProgram(`${this.#folder}/deno`, shell);
    // The variable stays: all test files that run at the same time share their variables.
    Deno.env.set(mark, "yes");
    Deno.execPath = () => `${this.#folder}/deno`;
  }

  [Symbol.dispose](): void {
    Deno.execPath = this.#execPath;
    Deno.removeSync(this.#folder, { recursive: true });
  }
}
