/** What use cases take, where it is more than a value of the domain. */
import { DateTime, Schema } from "effect"
import { PlaybackPolicy } from "../domain/playback/PlaybackPolicy.ts"
import { Contact, DisplayName, ExternalId } from "../domain/values/Broadcaster.ts"
import { BroadcasterId } from "../domain/values/Ids.ts"
import { Metadata } from "../domain/values/Metadata.ts"

/** A time that RFC 3339 can write and PostgreSQL keeps. */
export const Instant = Schema.DateTimeUtc.check(
  Schema.makeFilter((time) => {
    const year = DateTime.getPartUtc(time, "year")
    return (year >= 1 && year <= 9999) || "Expected a time of the years 1 to 9999"
  })
)

const isCount = (minimum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum: 2 ** 31 - 1 }))

/** Of events: a stream has fewer than that by far. */
export const AfterSeq = isCount(0)
export const ListLimit = isCount(1)

/** Every list is ordered by a date and an id; which entity's id it is does not matter here. */
export const pageFields = {
  limit: Schema.NullOr(ListLimit),
  after: Schema.NullOr(Schema.Struct({ at: Instant, id: BroadcasterId as Schema.Codec<string> }))
}

/** The same for lists whose ids are texts: of playback tokens and of viewers. */
export const textPageFields = {
  limit: Schema.NullOr(ListLimit),
  after: Schema.NullOr(
    Schema.Struct({ at: Instant, id: Schema.String.check(Schema.isPattern(/^[0-9A-Za-z_-]{1,64}$/)) })
  )
}

/** Who may watch; `null`: the next in the order of key, broadcaster and deployment decides. */
export const maybePlayback = Schema.optionalKey(Schema.NullOr(PlaybackPolicy))

export const broadcasterFields = {
  displayName: DisplayName,
  contact: Schema.NullOr(Contact),
  metadata: Metadata,
  playback: maybePlayback,
  externalId: Schema.optionalKey(Schema.NullOr(ExternalId))
}
