/**
 * The playback tokens that were handed out, with their texts: what viewers have. Greenroom's own come from its use case; an application, whose key
 * Greenroom knows, signs others by itself.
 */
import type { KeyPair, SigningKeyId, TokenClaims, TokenSigner } from "@greenroom/core"
import { PlaybackTokenId } from "@greenroom/core"
import { Redacted } from "effect"
import type { Rng } from "../worlds/Rng.ts"
import type { Kernel } from "./Kernel.ts"
import type { SimulatedStore } from "./SimulatedStore.ts"

export interface IssuedToken {
  readonly text: string
  readonly claims: TokenClaims
  readonly signingKeyId: string
  /** A character of it is not as it was signed. */
  readonly isChanged: boolean
  /** Milliseconds of simulated time. */
  readonly issuedAt: number
}

export interface TokenBookOptions {
  readonly kernel: Kernel
  readonly rng: Rng
  readonly store: SimulatedStore
  readonly signer: TokenSigner["Service"]
}

/** Of the newest so many a viewer chooses. */
const CHOICE = 40

export const makeTokenBook = ({ kernel, rng, store, signer }: TokenBookOptions) => {
  const tokens: Array<IssuedToken> = []
  let keys = 0
  const newKey = () => {
    const pair: KeyPair = store.now("TokenSigner.generate", signer.generate)
    return { id: `app-${++keys}` as SigningKeyId, pair }
  }
  let application = newKey()

  const add = (claims: TokenClaims, signingKeyId: string, text: string): IssuedToken => {
    const token = { text, claims, signingKeyId, isChanged: false, issuedAt: kernel.now() }
    tokens.push(token)
    return token
  }
  return {
    add,
    /** The key of the application, as it is to be made known. */
    applicationKey: () => application,
    /** The application has another one from now on. */
    changeApplicationKey: () => {
      application = newKey()
      return application
    },
    /** Signed by the application, by a clock that is right. */
    sign: (of: Pick<TokenClaims, "coverage" | "viewerId" | "maxSessions">, expiresIn: number): IssuedToken => {
      const seconds = kernel.now() / 1_000
      const claims: TokenClaims = {
        ...of,
        id: PlaybackTokenId.make(store.now("TokenSigner.tokenId", signer.tokenId)),
        actions: ["read"],
        issuedAt: seconds,
        notBefore: null,
        expiresAt: seconds + expiresIn,
        ips: []
      }
      const { id, pair } = application
      const text = store.now("TokenSigner.sign", signer.sign(claims, id, pair))
      return add(claims, id, Redacted.value(text))
    },
    /** One of the newest that is as wished. */
    choose: (is: (token: IssuedToken) => boolean): IssuedToken | undefined => {
      const those = tokens.slice(-CHOICE).filter(is)
      return those.length === 0 ? undefined : rng.pick(those)
    },
    changed: (token: IssuedToken): IssuedToken => {
      const [head, payload = "", signature] = token.text.split(".")
      const at = rng.below(payload.length)
      const other = payload[at] === "A" ? "B" : "A"
      const text = `${head}.${payload.slice(0, at)}${other}${payload.slice(at + 1)}.${signature}`
      return { ...token, text, isChanged: true }
    }
  }
}

export type TokenBook = ReturnType<typeof makeTokenBook>
