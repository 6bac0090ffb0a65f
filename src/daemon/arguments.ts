/** nerve's own first arguments for the two processes of the daemon; src/main.ts looks for them, users never write them. */

/** `__daemon WORKSPACE`: the supervisor. */
export const supervisorArgument = "__daemon";
/** `__kernel WORKSPACE`: the kernel under a supervisor. */
export const kernelProcessArgument = "__kernel";
