/**
 * What a schedule is made of: plain data, one record a step, so that a schedule can be printed, shrunk and replayed. A step says what
 * somebody outside does, or what goes wrong; faults that last carry their own length, so that taking one step away never leaves
 * another without its end. `who` is a place among the publishers, `instance` one among the Greenrooms.
 */
import {
  type Coverage,
  familyOf,
  type PlaybackPolicies,
  type PlaybackPolicy,
  type Protocol,
  protocols,
  type ViewerProtocol
} from "@greenroom/core"
import { factsOf, type Version, type World } from "@greenroom/mediamtx-simulator"

export type Family = "rtmp" | "rtsp" | "srt" | "webrtc" | "moq"
export const families: ReadonlyArray<Family> = ["rtmp", "rtsp", "srt", "webrtc", "moq"]

/** How a publisher presents itself. */
export type Guise =
  | "itself"
  | "with_anothers_key"
  | "on_anothers_path"
  | "on_a_bad_path"
  | "with_an_unknown_key"
  | "with_no_key"
  | "with_its_key_in_the_path"

/** What the control API answers when something is wrong with it, or with what stands before it. */
export type WrongAnswer = "401" | "404" | "500" | "garbage" | "no answer" | "half a list"
export const wrongAnswers: ReadonlyArray<WrongAnswer> = ["401", "404", "500", "garbage", "no answer", "half a list"]

export const ownSources: ReadonlyArray<World.OwnSource> = ["pulled", "redirect", "always available", "on demand"]

export interface Connect {
  readonly _tag: "Connect"
  readonly who: number
  readonly protocol: Protocol
  readonly guise: Guise
  /** From admission to ready; `null` as the protocol has it, `never` for one that announces and stands still. */
  readonly readyAfter: number | null | "never"
}

/** Where a viewer puts its token, as far as its protocol has the place. */
export type TokenPlace = "query" | "password" | "bearer"
/** Which of the tokens that there are a viewer shows. */
export type TokenShown = "good" | "none" | "revoked" | "of another path" | "expired" | "changed"

/** Somebody watches, or wishes to. `viewer` is a place among the viewers. */
export interface Watch {
  readonly _tag: "Watch"
  readonly viewer: number
  readonly who: number
  readonly protocol: ViewerProtocol
  readonly shows: TokenShown
  readonly place: TokenPlace
}

/** `viewerId`: one of few, or none. `by`: an application signs by itself, and may give less than a minute. */
export interface IssueToken {
  readonly _tag: "IssueToken"
  readonly who: number
  readonly instance: number
  readonly by: "greenroom" | "application"
  readonly covers: Coverage["_tag"]
  readonly viewerId: number | null
  readonly maxSessions: number | null
  readonly expiresIn: number
}

export type Action =
  | Connect
  | Watch
  | { readonly _tag: "StopWatching"; readonly viewer: number }
  | { readonly _tag: "PlayerDies"; readonly viewer: number }
  /** It asks for nothing for a while; whose connection is a stream is given up meanwhile. */
  | { readonly _tag: "PlayerIdles"; readonly viewer: number; readonly for: number }
  | IssueToken
  /** One of those that a viewer has shown last, if its place is taken. */
  | { readonly _tag: "RevokeToken"; readonly viewer: number; readonly instance: number }
  /** `until`: so many milliseconds from now; `null`: new tokens are good at once. */
  | {
      readonly _tag: "RevokeViewer"
      readonly viewerId: number
      readonly instance: number
      readonly until: number | null
    }
  | {
      readonly _tag: "SetPlayback"
      readonly who: number
      readonly instance: number
      readonly of: "key" | "broadcaster"
      readonly policy: PlaybackPolicy | null
    }
  | { readonly _tag: "RotateSigningKey"; readonly instance: number; readonly overlapSeconds: number }
  | { readonly _tag: "RemoveSigningKey"; readonly instance: number }
  | { readonly _tag: "KickViewer"; readonly viewer: number; readonly instance: number }
  /** Everybody who has no connection comes, within so many milliseconds. */
  | { readonly _tag: "AllConnect"; readonly within: number }
  | { readonly _tag: "Leave"; readonly who: number }
  | { readonly _tag: "EncoderDies"; readonly who: number }
  | { readonly _tag: "EncoderFreezes"; readonly who: number; readonly for: number }
  | { readonly _tag: "Pause"; readonly who: number }
  | { readonly _tag: "Record"; readonly who: number }
  /** A publisher that nobody was asked about. */
  | {
      readonly _tag: "Stranger"
      readonly who: number
      readonly protocol: Protocol
      readonly path: "own" | "stray" | "key"
    }
  /** So many of them at once: a media server that was busy before Greenroom knew it, or a store that was restored. */
  | { readonly _tag: "Crowd"; readonly who: number; readonly protocol: Protocol; readonly count: number }
  | { readonly _tag: "Reader"; readonly who: number; readonly protocol: Protocol }
  /** A path that the media server has by its own configuration; publishers may come to some of them. */
  | { readonly _tag: "OwnPath"; readonly who: number; readonly source: World.OwnSource; readonly for: number }
  /** A copy of the auth call of the last connection of this publisher arrives late, or somebody makes it up. */
  | { readonly _tag: "AuthAgain"; readonly who: number }
  /** Somebody makes a hook up: about who is there, who has left, or who never was, on its own path or another. */
  | {
      readonly _tag: "ForgedHook"
      readonly who: number
      readonly event: "ready" | "not-ready"
      readonly about: "present" | "former" | "nobody"
      readonly ownPath: boolean
    }
  /** `by`: a process that is asked to end still sends its hooks, one that is killed does not. */
  | {
      readonly _tag: "MediaServerRestarts"
      readonly by: "kill" | "stop"
      readonly downFor: number
      readonly inCalls: number
    }
  | { readonly _tag: "MediaServerFreezes"; readonly for: number }
  | { readonly _tag: "MediaServerSlow"; readonly by: number; readonly for: number }
  /** The control API gives a wrong answer about one family of protocols, or about everything. */
  | {
      readonly _tag: "MediaServerErrs"
      readonly family: Family | "all"
      readonly answer: WrongAnswer
      readonly for: number
    }
  /** `inCalls`: at which of its port calls from now on; `sent`: whether that call still goes out. */
  | {
      readonly _tag: "InstanceKilled"
      readonly instance: number
      readonly inCalls: number
      readonly sent: boolean
      readonly downFor: number
    }
  | { readonly _tag: "InstanceFrozen"; readonly instance: number; readonly inCalls: number; readonly for: number }
  /** The wall clock of an instance's machine is set, by so many milliseconds, while it runs. */
  | { readonly _tag: "ClockSet"; readonly instance: number; readonly by: number }
  | { readonly _tag: "InstanceTerminated"; readonly instance: number; readonly downFor: number }
  | { readonly _tag: "StoreStops"; readonly for: number }
  | { readonly _tag: "StoreFreezes"; readonly for: number }
  | { readonly _tag: "StoreSlow"; readonly by: number; readonly for: number }
  /** Every connection to the store breaks, whatever is on its way over it. */
  | { readonly _tag: "StoreConnectionsKilled" }
  | { readonly _tag: "CommitsFail"; readonly count: number }
  /** `silent`: nothing comes until the caller's deadline; otherwise the connection breaks at once. */
  | { readonly _tag: "AnswersLost"; readonly count: number; readonly silent: boolean }
  | { readonly _tag: "Revoke"; readonly who: number; readonly instance: number }
  /** `enableAfter`: so long after the answer (`patient`) or after the question. `null` for never. */
  | {
      readonly _tag: "Disable"
      readonly who: number
      readonly instance: number
      readonly enableAfter: number | null
      readonly patient: boolean
    }
  /** `handed`: the place's encoder has the new key from its next connection on. */
  | {
      readonly _tag: "Rotate"
      readonly who: number
      readonly instance: number
      readonly overlapSeconds: number
      readonly handed: boolean
    }
  | { readonly _tag: "StopAndBlock"; readonly who: number; readonly instance: number; readonly seconds: number }
  | { readonly _tag: "Expire"; readonly who: number; readonly instance: number; readonly in: number }
  | { readonly _tag: "DeleteBroadcaster"; readonly who: number; readonly instance: number }
  | { readonly _tag: "StopStream"; readonly who: number; readonly instance: number }
  /** An operator frees a key whose stream nobody can look for. */
  | { readonly _tag: "ForceStop"; readonly who: number; readonly instance: number }
  /** An operator wishes that whoever publishes unadmitted goes, however many they are. */
  | { readonly _tag: "Enforce"; readonly instance: number }
  | { readonly _tag: "NewKey"; readonly who: number; readonly instance: number }
  /** Somebody ends the row in the database by hand. */
  | { readonly _tag: "EndedByHand"; readonly who: number }
  /** Faults stop; within 5 s everything must agree. `one`: whatever instance is down stays down, but for one. */
  | { readonly _tag: "QuietPeriod"; readonly revive: "all" | "one" }

/** `at`: milliseconds since the beginning, quiet periods not counted. */
export type Step = Action & { readonly at: number }

/** What holds for the whole of a schedule. */
export interface Setting {
  /** Of MediaMTX. */
  readonly version: Version
  readonly publishers: number
  /** How far each instance's clock is off; as many as there are instances. */
  readonly clocks: ReadonlyArray<number>
  /** How many milliseconds an auth call, and its answer, are on their way. */
  readonly distance: number
  /** What encoders speak here. */
  readonly protocols: ReadonlyArray<Protocol>
  /** `absent`: Greenroom cannot look, and has hooks alone. */
  readonly controlApi: "there" | "absent"
  readonly unauthorized: "kick" | "report"
  readonly massKickLimit: number
  /** What happens to a newcomer with a key that is publishing. */
  readonly onDuplicate: "refuse" | "takeover"
  /** What becomes of a hook: so many of a hundred are lost, come twice, come late. */
  readonly hooks: { readonly lost: number; readonly twice: number; readonly late: number }
  /** Whether hooks carry a secret, so that nobody can make one up. */
  readonly hookSecret: boolean
  /** How many of a hundred encoders that were sent away come back by themselves. */
  readonly persistence: number
  /** Places among the viewers. */
  readonly viewers: number
  /** Where neither key nor broadcaster has a policy. */
  readonly playback: PlaybackPolicies
}

/** Those that the version serves. */
export const servedProtocols = (version: Version): ReadonlyArray<Protocol> =>
  protocols.filter((protocol) => protocol !== "moq" || factsOf(version).moq)

/** Those over which viewers can be followed. */
export const viewerProtocols = (version: Version): ReadonlyArray<ViewerProtocol> =>
  factsOf(version).hlsSessions ? [...servedProtocols(version), "hls"] : servedProtocols(version)

export const familyOfViewer = (protocol: ViewerProtocol) => (protocol === "hls" ? protocol : familyOf(protocol))

export interface Schedule {
  readonly seed: number
  readonly setting: Setting
  readonly steps: ReadonlyArray<Step>
}
