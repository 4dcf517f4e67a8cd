/** Every call of the orchestration API, with a body that is good and what goes wrong on it. Tables for the tests. */

export interface Endpoint {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE"
  /** `:id` is filled in by the test. */
  readonly path: string
  readonly body?: unknown
  /** It answers while the store does not. */
  readonly asksNoStore?: true
  readonly unknownId?: "not-found" | "stream-not-found"
  /** Its ids are no UUIDs: one that nothing has. */
  readonly textId?: string
}

export const UNKNOWN_ID = "0192e4a7-3f5e-4c1c-9d2a-5f0a3a1c7b11"

/** Of nobody's key. */
export const publicJwk = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }

const ofToken = { unknownId: "not-found", textId: "unknownunknown00" } as const

export const endpoints: ReadonlyArray<Endpoint> = [
  { method: "POST", path: "/broadcasters", body: { display_name: "One" } },
  { method: "GET", path: "/broadcasters" },
  { method: "GET", path: "/broadcasters/:id", unknownId: "not-found" },
  { method: "PATCH", path: "/broadcasters/:id", body: { contact: "x" }, unknownId: "not-found" },
  { method: "DELETE", path: "/broadcasters/:id", unknownId: "not-found" },
  { method: "POST", path: "/stream-keys", body: { broadcaster_id: UNKNOWN_ID } },
  { method: "GET", path: "/stream-keys" },
  { method: "GET", path: "/stream-keys/:id", unknownId: "not-found" },
  { method: "GET", path: "/stream-keys/:id/ingest", unknownId: "not-found" },
  { method: "PATCH", path: "/stream-keys/:id", body: { label: "x" }, unknownId: "not-found" },
  { method: "POST", path: "/stream-keys/:id/rotate", body: { overlap_seconds: 60 }, unknownId: "not-found" },
  { method: "DELETE", path: "/stream-keys/:id", unknownId: "not-found" },
  { method: "GET", path: "/streams" },
  { method: "GET", path: "/streams/:id", unknownId: "stream-not-found" },
  { method: "PATCH", path: "/streams/:id", body: { title: "x" }, unknownId: "stream-not-found" },
  { method: "DELETE", path: "/streams/:id", unknownId: "stream-not-found" },
  { method: "GET", path: "/streams/:id/events", unknownId: "stream-not-found" },
  { method: "POST", path: "/playback-tokens", body: { broadcaster_id: UNKNOWN_ID } },
  { method: "GET", path: "/playback-tokens" },
  { method: "GET", path: "/playback-tokens/:id", ...ofToken },
  { method: "DELETE", path: "/playback-tokens/:id", ...ofToken },
  { method: "GET", path: "/viewers" },
  { method: "DELETE", path: "/viewers/:id", unknownId: "not-found", textId: "unknown" },
  { method: "POST", path: "/viewers/:id/revoke", body: { until: null } },
  { method: "GET", path: "/signing-keys" },
  { method: "POST", path: "/signing-keys", body: { public_key: publicJwk } },
  { method: "POST", path: "/signing-keys/rotate", body: { overlap_seconds: 60 } },
  { method: "DELETE", path: "/signing-keys/:id", unknownId: "not-found", textId: "unknown" },
  { method: "GET", path: "/events" },
  { method: "GET", path: "/auth-decisions" },
  { method: "POST", path: "/auth/check", body: { streamid: "publish:live/one" } },
  { method: "POST", path: "/reconcile", body: { enforce: true } },
  { method: "POST", path: "/webhook-endpoints", body: { url: "https://app.example.com/hooks" } },
  { method: "GET", path: "/webhook-endpoints" },
  { method: "GET", path: "/webhook-endpoints/:id", unknownId: "not-found" },
  { method: "PATCH", path: "/webhook-endpoints/:id", body: { description: "x" }, unknownId: "not-found" },
  { method: "DELETE", path: "/webhook-endpoints/:id", unknownId: "not-found" },
  { method: "POST", path: "/webhook-endpoints/:id/rotate-secret", unknownId: "not-found" },
  { method: "GET", path: "/webhook-endpoints/:id/deliveries", unknownId: "not-found" },
  { method: "POST", path: "/webhook-endpoints/:id/test", unknownId: "not-found" },
  { method: "POST", path: "/webhook-endpoints/:id/redeliver", body: { after: 0 }, unknownId: "not-found" },
  { method: "POST", path: "/api-tokens", body: { name: "dashboard", scopes: ["streams:read"] } },
  { method: "GET", path: "/api-tokens" },
  { method: "GET", path: "/api-tokens/:id", unknownId: "not-found" },
  { method: "PATCH", path: "/api-tokens/:id", body: { name: "wall" }, unknownId: "not-found" },
  { method: "DELETE", path: "/api-tokens/:id", unknownId: "not-found" },
  { method: "GET", path: "/audit-logs" },
  { method: "POST", path: "/audit-events", body: { action: "user.login", actor: "ada@example.com" } },
  { method: "POST", path: "/session", asksNoStore: true },
  { method: "GET", path: "/session", asksNoStore: true },
  { method: "DELETE", path: "/session", asksNoStore: true }
]

export const named = (rows: ReadonlyArray<Endpoint>) => rows.map((row) => [`${row.method} ${row.path}`, row] as const)

export const withId = (path: string, id: string): string => path.replace(":id", id)
