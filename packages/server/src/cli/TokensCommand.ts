/** `greenroom tokens …`: the credentials of callers of the API. Only `create` prints a token. */
import { ApiTokenId, BroadcasterId, type Scope, scopes, Timestamp, TokenName } from "@greenroom/core"
import { type DateTime, Effect, Option } from "effect"
import * as Command from "effect/cli/Command"
import type { ApiToken } from "../http/api/apiTokenSchemas.ts"
import { commaSeparated } from "../http/api/Input.ts"
import { both, call } from "./ApiClient.ts"
import { failed } from "./CommandFailed.ts"
import { checkedArgument, checkedFlag, clearableFlag, described, given, limit, requiredFlag } from "./flags.ts"
import { fields, moment, orNothing, relative, table } from "./format.ts"
import { printAnswer, printList } from "./output.ts"
import { program } from "./program.ts"

type Shown = typeof ApiToken.Type

const EXAMPLE = "5d7f6f0e-3b0c-4b44-8a50-3f0c8f2f7a11"

const id = checkedArgument("id", ApiTokenId, "The token's id")
const scopesText = commaSeparated(scopes, "")
const SCOPES = `What it may do, with commas: ${scopes.join(", ")}`

type Scopes = readonly [Scope, ...ReadonlyArray<Scope>]

const details = (token: Shown, now: DateTime.Utc): string =>
  fields([
    ["id", token.id],
    ["name", token.name],
    ["scopes", token.scopes.join(",")],
    ["broadcaster", orNothing(token.broadcasterId)],
    ["created", moment(token.createdAt, now)],
    ["expires", moment(token.expiresAt, now)],
    ["last used", moment(token.lastUsedAt, now)]
  ])

const rows = (tokens: ReadonlyArray<Shown>, now: DateTime.Utc): string =>
  table([
    ["NAME", "SCOPES", "BROADCASTER", "EXPIRES", "LAST USED", "ID"],
    ...tokens.map((token) => [
      token.name,
      token.scopes.join(","),
      orNothing(token.broadcasterId),
      relative(token.expiresAt, now),
      relative(token.lastUsedAt, now),
      token.id as string
    ])
  ])

/** The one text with a token in it. */
const tokenText = (token: string): string =>
  `The token, which takes the place of the API secret:\n\n  ${token}\n\nThis is the only time that it is shown: copy it now.`

const create = Command.make(
  "create",
  {
    name: checkedArgument("name", TokenName, "What it is for"),
    scopes: requiredFlag("scopes", "<scopes>", scopesText, SCOPES),
    broadcasterId: checkedFlag("broadcaster", "<id>", BroadcasterId, "Only things of this broadcaster exist for it"),
    expiresAt: checkedFlag("expires", "<time>", Timestamp, "From then on it is refused, such as 2027-01-01T00:00:00Z")
  },
  ({ name, scopes, ...rest }) =>
    printAnswer(
      call(({ api_tokens }) =>
        api_tokens.create({ payload: { name, scopes: scopes as Scopes, ...given(rest) }, responseMode: both })
      ),
      ({ body }, now) => `${details(body, now)}\n\n${tokenText(body.token)}`
    )
).pipe(
  described(
    "Create an API token; it is shown this once",
    ["greenroom tokens create dashboard --scopes streams:read,events:read"],
    [
      "greenroom tokens create studio-one --scopes keys:write,streams:write --broadcaster <id>",
      "For one broadcaster's own page"
    ],
    ["greenroom tokens create ci --scopes keys:write --json | jq -r .token", "The token alone, for a script"]
  )
)

const list = Command.make("list", { limit }, ({ limit }) =>
  printList("api_tokens", limit, (query) => call(({ api_tokens }) => api_tokens.list({ query, responseMode: both })), {
    empty: () => `There are no API tokens yet: ${program} tokens create dashboard --scopes streams:read`,
    table: rows
  })
).pipe(described("List API tokens, newest first", ["greenroom tokens list"]))

const show = Command.make("show", { id }, (params) =>
  printAnswer(
    call(({ api_tokens }) => api_tokens.get({ params, responseMode: both })),
    details
  )
).pipe(described("Show an API token", [`greenroom tokens show ${EXAMPLE}`]))

const update = Command.make(
  "update",
  {
    id,
    name: checkedFlag("name", "<name>", TokenName, "What it is for"),
    scopes: checkedFlag("scopes", "<scopes>", scopesText, SCOPES),
    expiresAt: clearableFlag("expires", "<time>", Timestamp, "When it expires; never: it does not", "never")
  },
  ({ id, scopes, ...rest }) => {
    const payload = given({ ...rest, scopes: Option.map(scopes, (words) => words as Scopes) })
    if (Object.keys(payload).length === 0)
      return Effect.fail(failed("usage", "Give at least one of --name, --scopes and --expires."))
    return printAnswer(
      call(({ api_tokens }) => api_tokens.change({ params: { id }, payload, responseMode: both })),
      details
    )
  }
).pipe(
  described("Change an API token, from its next request on", [
    `greenroom tokens update ${EXAMPLE} --scopes streams:read`
  ])
)

const remove = Command.make("delete", { id }, ({ id }) =>
  printAnswer(
    call(({ api_tokens }) => api_tokens.remove({ params: { id }, responseMode: both })),
    () => `Token ${id} is deleted: no instance takes it any more.`
  )
).pipe(described("Delete an API token", [`greenroom tokens delete ${EXAMPLE}`]))

export const tokensCommand = Command.make("tokens").pipe(
  described(
    "API tokens: callers with scopes, beside the API secret",
    ["greenroom tokens create dashboard --scopes streams:read,events:read"],
    ["greenroom tokens list"]
  ),
  Command.withSubcommands([create, list, show, update, remove])
)
