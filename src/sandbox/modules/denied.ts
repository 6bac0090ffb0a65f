/**
 * Replaces, through module_gate.ts and the import map of deno.json, the Node built-ins that would let code in the
 * sandbox affect the whole process: they start processes or threads, wrap file descriptors, or change V8. nerve's own
 * code keeps the real ones through the map's scopes.
 */
throw new Deno.errors.NotCapable(
  "this Node built-in is closed in the sandbox: use fetch, Deno.connect or Deno.Command with the permissions they need",
);

export default undefined;
