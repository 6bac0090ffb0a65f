/** Where the reader is: the part of the address after `#`. `#/runs/01K` and `#/log?source=kernel` are places. */
import { useEffect, useState } from "preact/hooks";

export interface Route {
  /** `["runs", "01K"]`; empty for the overview. */
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
}

export function readRoute(): Route {
  const [path = "", search = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { parts: path.split("/").filter((part) => part !== "").map(decode), query: new URLSearchParams(search) };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function toHash(...parts: readonly string[]): string {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

export function go(hash: string): void {
  location.hash = hash;
}

/** Changes the query of the place without a new entry in the history. */
export function replaceQuery(query: Readonly<Record<string, string>>): void {
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ""));
  const [path = ""] = location.hash.split("?"), text = search.toString();
  history.replaceState(null, "", text === "" ? path : `${path}?${text}`);
}

export function useRoute(): Route {
  const [route, setRoute] = useState(readRoute);
  useEffect(() => {
    const change = () => setRoute(readRoute());
    addEventListener("hashchange", change);
    return () => removeEventListener("hashchange", change);
  }, []);
  return route;
}
