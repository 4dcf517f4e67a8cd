/**
 * Random values of the domain's types, and of the inputs of `decideAdmission` and `planReconciliation`, as arbitraries of Effect. They are on
 * and around every boundary that the rules know, and shrink towards the plain case. For fast-check: `@greenroom/testing/fast-check`.
 */
import "../effectOfTesting.ts"

export * from "./admission.ts"
export * from "./draw.ts"
export * from "./ids.ts"
export * from "./mediaServer.ts"
export * from "./reconciliation.ts"
export * from "./streams.ts"
export * from "./text.ts"
