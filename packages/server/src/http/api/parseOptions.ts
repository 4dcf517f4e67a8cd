/** How strictly input is read. By default decoding stops at the first thing that is wrong; callers are told all of them. */

export const everyComplaint = { errors: "all" } as const

/** For operators' bodies: a field that nobody knows is a mistyped one, and would be lost without a word. */
export const noUnknownFields = { ...everyComplaint, onExcessProperty: "error" } as const
