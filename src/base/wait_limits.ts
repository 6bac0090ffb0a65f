/** The limits of runs that wait, with their units at the end of their names; limits.ts has all others. */
import { assert } from "./errors.ts";

const dayMs = 24 * 3_600_000;

/** The longest sleep of a run, and the latest time that it may sleep until: the end of the year 9999. */
export const sleepMaxMs = 10 * 366 * dayMs;
export const sleepUntilMax = Date.UTC(10_000, 0, 1) - 1;
/** The texts of a gate: its title, its body in bytes, and its options. */
export const gateTitleMaxChars = 500;
export const gateBodyMaxBytes = 256 * 1024;
export const gateOptionsMax = 20;
export const gateOptionMaxChars = 64;
/** The parts of a decision. */
export const approvalTokenMaxChars = 200;
export const approvalByMaxChars = 100;
export const approvalCommentMaxChars = 10_000;
export const approvalSignatureMaxChars = 16_384;
/** People and groups that a gate may name as approvers. */
export const gateApproversMax = 100;
/** Reminders of one request are at least this far apart. */
export const remindMinMs = 60_000;
/** The name of an event. */
export const eventNamePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** The payload of an event, which becomes part of the `meta` of a message, and its key. */
export const eventPayloadMaxBytes = 240 * 1024;
export const eventKeyMaxChars = 200;
/** Events that a run keeps until it waits for them. */
export const keptEventsMax = 1_000;
export const keptEventsMaxBytes = 1024 * 1024;
/** The runs that one role starts and waits for: their number, their requests as JSON, and how deep they may nest. */
export const childrenMax = 500;
export const childrenMaxBytes = 1024 * 1024;
export const childDepthMax = 8;
/** The content of one child in the message, in characters; together they fit into the message's `meta`. */
export const childContentMaxChars = 16 * 1024;
/** How many waits are settled at a time. */
export const dueWaitsMax = 1_000;

assert(Date.now() + sleepMaxMs < sleepUntilMax, "a sleep must end at a time that can be written");
