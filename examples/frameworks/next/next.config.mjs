/** Greenroom and what it is made of stay outside of the bundle. */
export default { serverExternalPackages: ["greenroom"] }
