/** Removes colours and other terminal sequences from a line. Used by index.ts. */

/** Sequences of ECMA-48, with 7-bit or 8-bit controls. An unterminated one does not count. */
const sequences = new RegExp(
  [
    String.raw`(?:\x1b\[|\x9b)[0-?]*[ -\/]*[@-~]`, // colours, moves of the cursor
    String.raw`(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c)`, // links, titles
    String.raw`\x1b[ -\/]*[0-~]`, // character sets, a place that is remembered
  ].join("|"),
  "g",
);

/** Colours whose control character was escaped by a logger: #033[31m in rsyslog, \x1b[31m or ^[[31m in others. */
const written = /(?:#033|\\033|\\e|\\x1b|\\u001b|\^\[)\[[\d;:]*[mK]/gi;

export function withoutSequences(line: string): string {
  const bare = line.replace(sequences, "");
  return bare.includes("[") ? bare.replace(written, "") : bare;
}
