/** Ports over what Node itself brings. */
export * as NodeKeyMint from "./NodeKeyMint.ts"
