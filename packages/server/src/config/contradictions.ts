/** What several variables mean together: what cannot be, and what is allowed but unsafe. */
import type { Variables, Wrong } from "./Settings.ts"

/** 0 lets the system choose, so it is never taken. */
const isSamePort = (one: number | undefined, other: number | undefined) => one === other && one !== 0

/** Each listener has a port of its own. */
const takenPorts = ({ API_PORT = 8080, HOOK_PORT, METRICS_PORT }: Variables): ReadonlyArray<Wrong> => [
  ...(HOOK_PORT !== undefined && isSamePort(HOOK_PORT, API_PORT)
    ? [{ variable: "HOOK_PORT", detail: "expected another port than API_PORT's" }]
    : []),
  ...(HOOK_PORT !== undefined && isSamePort(HOOK_PORT, METRICS_PORT)
    ? [{ variable: "HOOK_PORT", detail: "expected another port than METRICS_PORT's" }]
    : [])
]

export const contradictions = (settings: Variables): ReadonlyArray<Wrong> => [
  ...takenPorts(settings),
  ...(settings.MEDIAMTX_API_URL !== undefined &&
  settings.HOOK_PORT === undefined &&
  settings.HOOKS_ON_API_PORT === "off"
    ? [
        {
          variable: "HOOKS_ON_API_PORT",
          detail: "expected `off` only with HOOK_PORT: the media server has to ask somewhere"
        }
      ]
    : []),
  ...(settings.DATABASE_URL !== undefined && settings.API_SECRET === undefined
    ? [{ variable: "API_SECRET", detail: "expected a secret, because DATABASE_URL is set" }]
    : []),
  ...(settings.HOOK_SECRET_PREVIOUS !== undefined &&
  settings.HOOK_SECRET === undefined &&
  settings.MEDIAMTX_API_URL !== undefined
    ? [{ variable: "HOOK_SECRET_PREVIOUS", detail: "expected only with HOOK_SECRET, which takes its place" }]
    : []),
  ...(settings.MEDIAMTX_API_URL === undefined && settings.MEDIAMTX_API_PASSWORD !== undefined
    ? [
        {
          variable: "MEDIAMTX_API_PASSWORD",
          detail: "expected only with MEDIAMTX_API_URL: the media server that is started here takes the API secret"
        }
      ]
    : []),
  ...(settings.MEDIAMTX_API_URL !== undefined && (settings.MEDIAMTX_BIN ?? settings.MEDIAMTX_PORTS) !== undefined
    ? [
        {
          variable: "MEDIAMTX_API_URL",
          detail:
            "expected either a media server that runs (MEDIAMTX_API_URL) or one to start (MEDIAMTX_BIN, MEDIAMTX_PORTS)"
        }
      ]
    : [])
]

/** What is allowed and should be thought about. */
export const warningsOf = (settings: Variables): ReadonlyArray<string> => [
  ...(settings.HOOK_SECRET === undefined && settings.MEDIAMTX_API_URL !== undefined
    ? ["HOOK_SECRET is not set: any client that reaches this port can ask /auth and send hooks"]
    : []),
  ...(settings.API_SECRET_PREVIOUS === undefined && settings.HOOK_SECRET_PREVIOUS === undefined
    ? []
    : ["a previous secret is still accepted: remove it once every client sends the new one"]),
  ...(settings.WEBHOOKS_ALLOW_PRIVATE === "true"
    ? ["WEBHOOKS_ALLOW_PRIVATE is true: clients of the API can have requests sent into this network"]
    : [])
]
