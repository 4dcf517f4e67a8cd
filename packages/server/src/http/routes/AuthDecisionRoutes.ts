/** The decision log's endpoints. */
import { checkAuth, type DecisionFilter, listAuthDecisions, type RecordedDecision, remedyOf } from "@greenroom/core"
import { Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { ServedApi } from "../api/Api.ts"
import type { AuthDecisionQuery } from "../api/AuthDecisionsApi.ts"
import { AuthDecision } from "../api/authDecisionSchemas.ts"
import { ListSlots } from "../lists/ListSlots.ts"
import { pageAnswer } from "../lists/pageAnswer.ts"
import { pageRequest, storeFailureToDefect, withCursor } from "./handling.ts"
import { authQuestion } from "./questionSent.ts"

/** The remedy is this release's, also of a decision that an older one has made. */
export const decisionShown = (decision: RecordedDecision) => ({ ...decision, remedy: remedyOf(decision.rule) })

const answerPage = pageAnswer("auth_decisions", AuthDecision, decisionShown)

const filterOf = ({
  reason,
  outcome,
  limit: _,
  cursor: __,
  ...same
}: typeof AuthDecisionQuery.Type): DecisionFilter => ({
  ...same,
  ...(reason === undefined ? {} : { reasons: reason }),
  ...(outcome === undefined ? {} : { outcomes: outcome })
})

export const layer = HttpApiBuilder.group(
  ServedApi,
  "auth_decisions",
  Effect.fnUntraced(function* (handlers) {
    const { answerList } = yield* ListSlots
    return handlers.handleAll({
      list: ({ query }) =>
        listAuthDecisions(filterOf(query), pageRequest(query)).pipe(
          Effect.map(withCursor),
          Effect.flatMap(answerPage),
          answerList
        ),
      check: ({ payload }) =>
        Effect.flatMap(authQuestion(payload), checkAuth).pipe(
          Effect.map(({ recent, ...check }) => ({ ...check, recent: recent.map(decisionShown) })),
          storeFailureToDefect
        )
    })
  })
)
