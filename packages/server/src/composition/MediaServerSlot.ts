/**
 * The media server of a deployment that has to find one first. Until it is there the port says `absent` and the service does all
 * that it can without; the use cases do not notice the change.
 */
import { MediaServer, MediaServerUnavailable, nothingServed } from "@greenroom/core"
import { Context, Effect, Layer } from "effect"

type Shape = MediaServer["Service"]

const none = (operation: string) =>
  Effect.fail(new MediaServerUnavailable({ reason: "absent", operation, detail: "there is no media server yet" }))

const absent: Shape = {
  look: none("look"),
  find: () => none("find"),
  kick: () => none("kick"),
  curePath: () => none("curePath"),
  served: Effect.succeed(nothingServed),
  health: Effect.succeed("absent")
}

export class MediaServerSlot extends Context.Service<
  MediaServerSlot,
  { readonly fill: (mediaServer: Shape) => Effect.Effect<void> }
>()("greenroom/MediaServerSlot") {}

export const layer: Layer.Layer<MediaServer | MediaServerSlot> = Layer.effectContext(
  Effect.sync(() => {
    let current = absent
    const mediaServer = MediaServer.of({
      look: Effect.suspend(() => current.look),
      find: (source) => current.find(source),
      kick: (source) => current.kick(source),
      curePath: (path) => current.curePath(path),
      served: Effect.suspend(() => current.served),
      health: Effect.suspend(() => current.health)
    })
    const slot = MediaServerSlot.of({
      fill: (next) =>
        Effect.sync(() => {
          current = next
        })
    })
    return Context.make(MediaServer, mediaServer).pipe(Context.add(MediaServerSlot, slot))
  })
)
