/** For hosts that use Effect: every service that the use cases of `@greenroom/core` need. Logs and spans are your runtime's. */
import "./effectOfGreenroom.ts"

export { application as layer, type Services } from "./application.ts"
export type { GreenroomOptions } from "./options.ts"
