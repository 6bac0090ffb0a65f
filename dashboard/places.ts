/** The places of the navigation: the name of each, its part of the address, and the key after `g`. */
export const places = [
  ["Overview", "", "o"],
  ["Runs", "runs", "r"],
  ["Approvals", "approvals", "a"],
  ["Alerts", "alerts", "w"],
  ["Senses", "senses", "s"],
  ["Sessions", "sessions", "e"],
  ["Log", "log", "l"],
  ["Permissions", "permissions", "p"],
  ["Store", "store", "d"],
  ["Hooks", "hooks", "h"],
] as const;
