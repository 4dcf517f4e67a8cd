/**
 * The one way to build the application: everything that the use cases need, over a store and a media server that the caller chooses. The
 * server builds it from its settings, the package `greenroom` from its options.
 */
import { randomUUID } from "node:crypto"
import { hostname } from "node:os"
import {
  DuplicatePolicy,
  Endpoints,
  KeyGenerator,
  layerBackground,
  layerFollower,
  type MediaServer,
  OperatorSecret,
  openPlayback,
  PlaybackDefaults,
  type PlaybackPolicies,
  type Policy,
  type PublicEndpoints,
  ReconcilePolicy,
  type Repositories
} from "@greenroom/core"
import { Effect, Layer, type Redacted } from "effect"
import { JoseTokenSigner, NodeKeyMint } from "../node/index.ts"

/** Until a deployment chooses others. */
export const defaultPolicy = { duplicates: "refuse", unauthorized: "kick", massKickLimit: 10 } as const

export interface ApplicationOptions {
  /** What Greenroom shows MediaMTX's control API, and MediaMTX shows `/auth` for the actions of operators. */
  readonly operatorSecret: Redacted.Redacted<string>
  /** Accepted beside it, while clients change to the new one. */
  readonly previousOperatorSecret?: Redacted.Redacted<string> | undefined
  readonly endpoints: PublicEndpoints
  readonly duplicates?: "refuse" | "takeover" | undefined
  readonly unauthorized?: Policy["unauthorized"] | undefined
  readonly massKickLimit?: number | undefined
  /** Who may watch where no key and no broadcaster has a policy: everybody, unless given. */
  readonly playback?: Partial<PlaybackPolicies> | undefined
  /** `false`: this process serves requests, and another one reconciles. */
  readonly reconcile?: boolean | undefined
}

const policies = ({
  operatorSecret,
  previousOperatorSecret,
  endpoints,
  duplicates,
  unauthorized,
  massKickLimit,
  playback
}: ApplicationOptions) =>
  Layer.mergeAll(
    Layer.effect(
      OperatorSecret,
      Effect.map(KeyGenerator, (generator) => ({
        hash: generator.hash(operatorSecret),
        previousHash: previousOperatorSecret === undefined ? undefined : generator.hash(previousOperatorSecret)
      }))
    ),
    Layer.succeed(Endpoints, endpoints),
    Layer.succeed(DuplicatePolicy, duplicates ?? defaultPolicy.duplicates),
    Layer.succeed(PlaybackDefaults, { ...openPlayback, ...playback }),
    Layer.succeed(ReconcilePolicy, {
      unauthorized: unauthorized ?? defaultPolicy.unauthorized,
      massKickLimit: massKickLimit ?? defaultPolicy.massKickLimit,
      enforce: false,
      holder: `${hostname()}:${process.pid}:${randomUUID()}`
    })
  )

/** `ports`: a whole store, the media server, and what else the caller needs beside them. */
export const layer = <A, E, R>(options: ApplicationOptions, ports: Layer.Layer<A | Repositories | MediaServer, E, R>) =>
  (options.reconcile === false ? layerFollower : layerBackground).pipe(
    Layer.provideMerge(Layer.merge(ports, policies(options))),
    Layer.provideMerge(Layer.merge(NodeKeyMint.layer, JoseTokenSigner.layer))
  )
