/**
 * Random values of the domain's types, and of the inputs of `decideAdmission` and `planReconciliation`, as arbitraries of Effect. They are on
 * and around every boundary that the rules know, and shrink towards the plain case. For fast-check: `@greenroom/testing/fast-check`.
 */
import "../effectOfTesting.ts"

export * from "./access.ts"
export * from "./admission.ts"
export * from "./draw.ts"
export * from "./idsAndTimes.ts"
export * from "./mediaServerValues.ts"
export * from "./reconciliation.ts"
export * from "./streamValues.ts"
export * from "./text.ts"
