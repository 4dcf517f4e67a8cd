/** Ports over Node's standard library. */
import "../effectOfAdapters.ts"

export * as JoseTokenSigner from "./JoseTokenSigner.ts"
export * as NodeKeyMint from "./NodeKeyGenerator.ts"
