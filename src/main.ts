/**
 * The executable: the command line; or, when a compiled nerve started itself, the shim of a group's process or one of the
 * daemon's two processes. Nothing else. (Under Deno those begin at their own files: base/self.ts.)
 */
if (import.meta.main) {
  const [own, root = ""] = Deno.args;
  if (own === "__group") await (await file<typeof import("./worker/shim.ts")>("worker/shim.ts")).runShim();
  else if (own === "__daemon") {
    await (await file<typeof import("./daemon/supervisor_process.ts")>("daemon/supervisor_process.ts")).runSupervisor(
      root,
    );
  } else if (own === "__kernel") {
    await (await file<typeof import("./daemon/kernel_process.ts")>("daemon/kernel_process.ts")).runKernel(root);
  } else await (await import("./cli/main.ts")).main();
}

/** Computed, so that Deno does not resolve what the command line needs nothing of (see `commandFile` of cli/command.ts). */
async function file<Module>(path: string): Promise<Module> {
  return await import(new URL(path, import.meta.url).href);
}
