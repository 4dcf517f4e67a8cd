/** Ports over Node's standard library. */
export * as NodeKeyMint from "./NodeKeyGenerator.ts"
