/**
 * The first arguments with which nerve starts the daemon's two processes. src/main.ts checks for them; users never type
 * them.
 */

/** `__daemon WORKSPACE`: the supervisor. */
export const supervisorArgument = "__daemon";
/** `__kernel WORKSPACE`: the kernel, as the supervisor's child. */
export const kernelProcessArgument = "__kernel";
