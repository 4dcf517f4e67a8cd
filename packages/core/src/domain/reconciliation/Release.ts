/** A release of the media server, read from its version. */

/** Major, minor, patch. */
export type Release = readonly [number, number, number]

const pattern = /^v?(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?![0-9])/

/** `v1.20.1`, `1.20.1-4-g12ab34c`; `null` for what is no release, such as the `v0.0.0` of a build from source. */
export const readRelease = (version: string): Release | null => {
  const match = pattern.exec(version)
  if (match === null) return null
  const [major, minor, patch] = match.slice(1).map(Number) as [number, number, number]
  return major + minor + patch === 0 ? null : [major, minor, patch]
}

/** Negative when `a` is older than `b`, 0 when they are the same. */
export const compareReleases = (a: Release, b: Release): number => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]
