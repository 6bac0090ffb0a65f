/**
 * The executable: the command line, or the shim when it was started as a group's process. Nothing else.
 */
if (import.meta.main) {
  if (Deno.args[0] === "__group") await (await import("./worker/shim.ts")).runShim();
  else await (await import("./cli/main.ts")).main();
}
