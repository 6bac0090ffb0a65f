/**
 * The entry point of the executable. It runs the command line or, when a compiled nerve starts itself, the shim of a
 * unit's process, the launcher of an agent's program, the scripted agent, or one of the daemon's two processes. Under
 * Deno, each of these has its own entry module (base/self_exec.ts).
 */

const [own, root = ""] = Deno.args;
if (own === "__group") await (await import("./sandbox/shim.ts")).runShim();
else if (own === "__confined") (await import("./sandbox/agent_program_entry.ts")).runConfined();
else if (own === "__agent") await (await import("./agents/fake_agent.ts")).runFakeAgent();
else if (own === "__daemon") await (await import("./daemon/supervisor_process.ts")).runSupervisor(root);
else if (own === "__kernel") await (await import("./daemon/kernel_process.ts")).runKernel(root);
else await (await import("./cli/main.ts")).main();
