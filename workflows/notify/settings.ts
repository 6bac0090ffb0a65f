/** The settings of notify, with the secrets from variables. Used by index.ts. */
import type { Json } from "nerve";
import { encodeUserinfo, hideUserinfo } from "../../lib/url.ts";

const channels = ["file", "webhook", "ntfy", "slack", "discord", "telegram", "mail", "syslog", "desktop"] as const;
export type Channel = typeof channels[number];

/** The settings as nerve.yaml has them. */
export interface WrittenSettings {
  readonly channel: string | null;
  readonly file: string | null;
  readonly url: string | null;
  readonly url_env: string | null;
  readonly secret_env: string | null;
  readonly to: readonly string[];
  readonly from: string | null;
  readonly user: string | null;
  readonly ca_file: string | null;
  readonly body: string | null;
  readonly attempts: number;
  readonly timeout: number;
  readonly retry_delay: number;
}

export interface Settings {
  readonly channel: Channel;
  readonly file: string | null;
  readonly url: string | null;
  /** `url` without any part that may be secret. */
  readonly shown: string;
  readonly secret: string | null;
  readonly to: readonly string[];
  readonly from: string | null;
  readonly user: string | null;
  readonly ca_file: string | null;
  /** The form of a webhook's body; null: the usual one. */
  readonly template: Json;
  readonly attempts: number;
  /** Milliseconds. */
  readonly timeout: number;
  readonly retry_delay: number;
}

/** The address of a service unless `url` names another. */
const usualUrls: Readonly<Partial<Record<Channel, string>>> = {
  ntfy: "https://ntfy.sh",
  telegram: "https://api.telegram.org",
};

export function readSettings(given: WrittenSettings): Settings {
  const { channel: named, url: written, url_env, secret_env, body, ...rest } = given;
  if (url_env !== null && written !== null) throw new TypeError("config must name either url or url_env");
  const address = url_env === null ? written : readVariable(url_env, "url_env"), { file } = rest;
  const channel = named === null ? guessChannel(file, address) : toChannel(named),
    url = encodeUserinfo(address ?? usualUrls[channel] ?? "") || null;
  if (url === null && !["file", "syslog", "desktop"].includes(channel)) {
    throw new TypeError(`config.url or config.url_env must name the address of ${channel}`);
  }
  if (body !== null && channel !== "webhook") throw new TypeError("config.body is for a webhook");
  const secret = secret_env === null ? null : readVariable(secret_env, "secret_env");
  const template = body === null ? null : readTemplate(body);
  return {
    ...rest,
    channel,
    url,
    secret,
    template,
    shown: showUrl(url, url_env !== null || (channel !== "webhook" && channel !== "mail")),
  };
}

function readTemplate(body: string): Json {
  try {
    return JSON.parse(body);
  } catch (thrown) {
    throw new TypeError(`config.body must be JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}

function toChannel(text: string): Channel {
  const found = channels.find((each) => each === text);
  if (found === undefined) throw new TypeError(`config.channel must be one of ${channels.join(", ")}`);
  return found;
}

function guessChannel(file: string | null, url: string | null): Channel {
  if ((file === null) === (url === null)) throw new TypeError("config must name either file or url");
  return file === null ? "webhook" : "file";
}

function readVariable(name: string, key: string): string {
  const value = Deno.env.get(name) ?? "";
  if (value === "") throw new TypeError(`the variable ${name}, which config.${key} names, is not set`);
  return value;
}

/** Anyone who knows the path of a chat's webhook may write there. */
function showUrl(url: string | null, isSecret: boolean): string {
  if (url === null) return "";
  const { protocol = null } = URL.parse(url) ?? {};
  // A password may be in the place of the scheme.
  if (protocol === null) throw new TypeError("the address is not valid");
  if (!/^(?:https?|smtps?|smtp-plain):$/.test(protocol)) {
    throw new TypeError("the address is not an http: or https: address");
  }
  return isSecret ? new URL(url).origin : hideUserinfo(url);
}
