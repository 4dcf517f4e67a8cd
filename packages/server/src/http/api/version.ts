/** The release that this code is; the package's own number, held to it by a test. */
export const version = "0.1.0"
