export { StoreHealth } from "@greenroom/core"
