/**
 * The migrations, in their order. They are append-only: the statements of a released one never change, apart from the schema that
 * qualifies their names. They are text in modules, so that no file has to be found at run time. Each writes every name qualified, also in
 * the bodies of functions.
 */
import * as broadcastersAndKeys from "./migrations/0001_broadcasters_and_keys.ts"
import * as streamsAndTheirEvents from "./migrations/0002_streams_and_their_events.ts"
import * as leases from "./migrations/0003_leases.ts"
import * as theLastLook from "./migrations/0004_the_last_look.ts"
import * as listsByBroadcaster from "./migrations/0005_lists_by_broadcaster.ts"
import * as supersedeOthers from "./migrations/0006_supersede_others.ts"
import * as workers from "./migrations/0007_workers.ts"
import * as workersArePruned from "./migrations/0008_workers_are_pruned.ts"
import * as wholeListsApart from "./migrations/0009_whole_lists_apart.ts"
import * as ingestPathsAreOwned from "./migrations/0010_ingest_paths_are_owned.ts"
import * as historyIsPruned from "./migrations/0011_history_is_pruned.ts"
import * as moq from "./migrations/0012_moq.ts"
import * as rulesAsFunctions from "./migrations/0013_rules_as_functions.ts"
import * as aKeyIsIssuedInOneCall from "./migrations/0014_a_key_is_issued_in_one_call.ts"
import * as broadcastersHaveExternalIds from "./migrations/0015_broadcasters_have_external_ids.ts"
import * as eventsHavePositions from "./migrations/0017_events_have_positions.ts"
import * as webhookEndpoints from "./migrations/0018_webhook_endpoints.ts"
import * as whoWasLive from "./migrations/0019_who_was_live.ts"
import * as authDecisions from "./migrations/0020_auth_decisions.ts"
import * as identitiesAndAudit from "./migrations/0021_identities_and_audit.ts"
import * as keysAreRotatedAndBlocked from "./migrations/0023_keys_are_rotated_and_blocked.ts"
import * as whoMayWatch from "./migrations/0024_who_may_watch.ts"
import { functions, type Names } from "./names.ts"

export interface Migration {
  readonly id: number
  readonly name: string
  readonly statements: (n: Names) => ReadonlyArray<string>
}

/** Releases without a schema of their own made these, with unqualified names. */
const beforeSchemas: ReadonlyArray<Migration> = [
  { id: 1, name: "broadcasters_and_keys", ...broadcastersAndKeys },
  { id: 2, name: "streams_and_their_events", ...streamsAndTheirEvents },
  { id: 3, name: "leases", ...leases },
  { id: 4, name: "the_last_look", ...theLastLook },
  { id: 5, name: "lists_by_broadcaster", ...listsByBroadcaster },
  { id: 6, name: "supersede_others", ...supersedeOthers },
  { id: 7, name: "workers", ...workers },
  { id: 8, name: "workers_are_pruned", ...workersArePruned },
  { id: 9, name: "whole_lists_apart", ...wholeListsApart },
  { id: 10, name: "ingest_paths_are_owned", ...ingestPathsAreOwned },
  { id: 11, name: "history_is_pruned", ...historyIsPruned },
  { id: 12, name: "moq", ...moq },
  { id: 13, name: "rules_as_functions", ...rulesAsFunctions },
  { id: 14, name: "a_key_is_issued_in_one_call", ...aKeyIsIssuedInOneCall },
  { id: 15, name: "broadcasters_have_external_ids", ...broadcastersHaveExternalIds }
]

type FunctionName = keyof typeof functions

/** The functions as these migrations leave them, as statements that replace what there is under their names. */
export const functionsOf = (migrations: ReadonlyArray<Migration>, n: Names): ReadonlyArray<string> => {
  const last = new Map<FunctionName, string>()
  for (const statement of migrations.flatMap(({ statements }) => statements(n))) {
    const text = statement.replace(/^create or replace function/, "create function")
    for (const name of Object.keys(functions) as ReadonlyArray<FunctionName>)
      if (text.startsWith(`create function ${n[name]}(`)) last.set(name, text.replace("create", "create or replace"))
  }
  return [...last.values()]
}

/** The first migration that a release with a schema of its own has run, wherever its tables stand. */
export const FIRST_WITH_SCHEMA = 16

export const migrations: ReadonlyArray<Migration> = [
  ...beforeSchemas,
  // For an installation that stays where a former release made it. In any other the functions are the same already.
  { id: FIRST_WITH_SCHEMA, name: "functions_are_qualified", statements: (n) => functionsOf(beforeSchemas, n) },
  { id: 17, name: "events_have_positions", ...eventsHavePositions },
  { id: 18, name: "webhook_endpoints", ...webhookEndpoints },
  { id: 19, name: "who_was_live", ...whoWasLive },
  { id: 20, name: "auth_decisions", ...authDecisions },
  { id: 21, name: "identities_and_audit", ...identitiesAndAudit },
  { id: 23, name: "keys_are_rotated_and_blocked", ...keysAreRotatedAndBlocked },
  { id: 24, name: "who_may_watch", ...whoMayWatch }
]

/** As it is logged and shown: `0001_broadcasters_and_keys`. */
export const titleOf = ({ id, name }: Pick<Migration, "id" | "name">): string =>
  `${String(id).padStart(4, "0")}_${name}`
