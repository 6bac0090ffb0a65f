/**
 * The one printer: everything that a command writes, in any format, passes through it, and no control character for the
 * terminal gets past it. app.ts puts it before the two sinks. render/terminal.ts has already escaped foreign text,
 * since only the commands know which line breaks are their own.
 */
import { toPrintable } from "../base/printable.ts";
import type { CliIo, Sink } from "./io.ts";

/**
 * The sequences that nerve and stricli write: bold, grey, italic and underlined text, a few colours, and the restart of
 * a line. None of them hides or moves text.
 */
// deno-lint-ignore no-control-regex -- these are the only ones that pass
const ownStyles = /(\x1b\[(?:(?:[0-4]|2[2-4]|3[0-7]|39|9[0-7])?;){0,3}(?:[0-4]|2[2-4]|3[0-7]|39|9[0-7])?m)/;
const ownRestart = "\r\x1b[K";

/** The same io, with the printer in front of its sinks. */
export function createPrinter(io: CliIo): CliIo {
  const { env, clock, colour, terminal } = io;
  return {
    ...{ env, clock, colour, terminal },
    // A getter: it throws in a folder without a path, and not every command needs one.
    get cwd() {
      return io.cwd;
    },
    stdout: createSink(io.stdout, colour),
    stderr: createSink(io.stderr, colour),
    onInterrupt: (fire) => io.onInterrupt(fire),
    onHangup: (fire) => io.onHangup(fire),
  };
}

function createSink(sink: Sink, colour: boolean): Sink {
  return {
    write: (text) => sink.write(toSafe(text, colour)),
    writeLater: (text) => sink.writeLater(toSafe(text, colour)),
    get gone() {
      return sink.gone;
    },
  };
}

function toSafe(text: string, colour: boolean): string {
  if (text.startsWith(ownRestart)) return ownRestart + toSafe(text.slice(ownRestart.length), colour);
  // Every second part is a style.
  const parts = colour ? text.split(ownStyles) : [text];
  return parts.map((part, at) => at % 2 === 1 ? part : part.split("\n").map(toSafeLine).join("\n")).join("");
}

/** Tabs are nerve's own: completions and printed files contain them. */
function toSafeLine(line: string): string {
  return line.split("\t").map(toPrintable).join("\t");
}
