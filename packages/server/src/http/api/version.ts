/** The release of this code; a test compares it with the package's own number. */
export const version = "0.1.0"
