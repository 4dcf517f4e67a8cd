import { decideAdmission } from "@greenroom/core"
import { admissionInputs } from "@greenroom/testing/arbitraries"
import { toFastCheck } from "@greenroom/testing/fast-check"
import fc from "fast-check"
import { test } from "vitest"

const revoked = toFastCheck(admissionInputs).filter(([, facts]) => facts.key?.revokedAt != null)

test("a key that is revoked admits no publisher, whatever else is true", () =>
  fc.assert(fc.property(revoked, ([ask, facts]) => decideAdmission(ask, facts)._tag === "Refuse")))
