/** Which scope an operation needs, where people and programs look for it. */
import { Context } from "effect"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import { Api } from "../api/Api.ts"
import { Access, type OperationAccess } from "../api/OperationAccess.ts"
import type { Json } from "./OpenApiDocument.ts"

/** Of the operations that have the annotation, by their ids. */
const accessByOperation: ReadonlyMap<string, OperationAccess> = new Map(
  (Object.values(Api.groups) as unknown as ReadonlyArray<HttpApiGroup.Top>).flatMap((group) =>
    (Object.entries(group.endpoints) as unknown as ReadonlyArray<readonly [string, HttpApiEndpoint.Top]>).flatMap(
      ([name, endpoint]) => {
        const access = Context.getOrUndefined(endpoint.annotations as Context.Context<Access>, Access)
        return access === undefined ? [] : [[`${group.identifier}.${name}`, access] as const]
      }
    )
  )
)

const sentence = ({ scope, wholeFleet }: OperationAccess): string =>
  scope === null
    ? "Any credential will do."
    : `An API token needs the scope \`${scope}\`${wholeFleet ? ", and must not be limited to a broadcaster" : ""}.`

export const describeAccess = (operation: Json): void => {
  const access = accessByOperation.get(operation.operationId)
  if (access === undefined) return
  operation.description = [operation.description, sentence(access)].filter((text) => text !== undefined).join(" ")
  if (access.scope !== null) operation["x-required-scope"] = access.scope
}
