/** Takes colours and other sequences for terminals out of a line. Used by index.ts. */

/** By ECMA-48, with the controls of 7 bits or of 8. What has no end is no sequence. */
const sequences = new RegExp(
  [
    String.raw`(?:\x1b\[|\x9b)[0-?]*[ -\/]*[@-~]`, // colours, moves of the cursor
    String.raw`(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c)`, // links, titles
    String.raw`\x1b[ -\/]*[0-~]`, // character sets, a place that is remembered
  ].join("|"),
  "g",
);

/** Colours as loggers write them that let no control character through: rsyslog has #033[31m, others \x1b[31m or ^[[31m. */
const written = /(?:#033|\\033|\\e|\\x1b|\\u001b|\^\[)\[[\d;:]*[mK]/gi;

export function withoutSequences(line: string): string {
  const bare = line.replace(sequences, "");
  return bare.includes("[") ? bare.replace(written, "") : bare;
}
