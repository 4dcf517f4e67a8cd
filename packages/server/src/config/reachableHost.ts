/** Where something that listens on this host is reached from this machine, and how that is written in a URL. */
export const reachableHost = (host: string): string =>
  host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host.replace(/^\[(.*)\]$/, "$1")

export const bracketed = (host: string): string => (host.includes(":") ? `[${host}]` : host)
