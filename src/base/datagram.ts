/**
 * Sends datagrams to a Unix socket. Deno can do so only with --unstable-net, which would also give sandboxed code UDP,
 * and Landlock restricts only TCP. Used by daemon/service_manager.ts.
 */
import { openCLibrary } from "./c_library.ts";

const symbols = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
} as const;

const unix = 1, datagram = 2, closeOnExec = 0o2000000;
/** Send without waiting for the receiver, and without SIGPIPE. */
const flags = 0x40 | 0x4000;
/** sun_path of sockaddr_un, with its NUL. */
const pathMaxBytes = 107;

/**
 * `address`: a path, or `@NAME` for an abstract socket. Returns false when the send failed. Throws for an invalid
 * address.
 */
export function sendDatagram(address: string, text: string): boolean {
  const encoder = new TextEncoder(), path = encoder.encode(address.replace(/^@/, "\0"));
  if (!/^[/@]./.test(address) || path.length > pathMaxBytes) {
    throw new Error(`${address} is no address of a Unix socket`);
  }
  const target = new Uint8Array(2 + path.length);
  new DataView(target.buffer).setUint16(0, unix, true);
  target.set(path, 2);
  const library = openCLibrary(symbols), { symbols: c } = library;
  const socket = c.socket(unix, datagram | closeOnExec, 0), bytes = encoder.encode(text);
  try {
    if (socket < 0) return false;
    return Number(c.sendto(socket, bytes, BigInt(bytes.length), flags, target, target.length)) === bytes.length;
  } finally {
    if (socket >= 0) c.close(socket);
    library.close();
  }
}
