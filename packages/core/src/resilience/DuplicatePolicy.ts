/** What a deployment does about a second publisher on a key. */
import { Context } from "effect"

/**
 * What happens to a newcomer whose key is publishing already. `refuse`: it is refused while the other connection is there.
 * `takeover`: it is let in and the other one is taken off the air, for encoders that lost their network and come back while the
 * media server still holds the dead connection.
 */
export const DuplicatePolicy = Context.Reference<"refuse" | "takeover">("greenroom/DuplicatePolicy", {
  defaultValue: () => "refuse"
})
