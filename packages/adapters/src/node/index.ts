/** Ports over what Node itself brings. */
export * as NodeKeyMint from "./NodeKeyGenerator.ts"
