import { describe, expect, it } from "vitest";
import { changesBetween, draftOf, EVERYTHING, type Right, type Role, toBody, withRight } from "./draft";

const own = { scopes: [{ kind: "own" }], condition: null };
const role: Role = {
  id: "1",
  key: "sales",
  label: "业务员",
  permissions: ["customers.read", "flows.read"],
  grants: [
    { right: "customers.read", ...own },
    { right: "flows.read", ...EVERYTHING },
  ],
  fields: { customers: { "contacts.phone": { level: "masked", mask: "phone" } } },
  version: 3,
};
const update: Right = {
  key: "customers.update",
  resource: "customers",
  action: "update",
  label: { zh: "修改", en: "Update" },
  scoped: true,
};

describe("a role that is changed", () => {
  it("gives a new right no more records than the others of its resource reach", () => {
    expect(withRight(draftOf(role), update, true).reach["customers.update"]).toEqual(own);
  });

  it("gives a right that no scope narrows everything", () => {
    const draft = withRight(draftOf(role), { ...update, key: "customers.export", scoped: false }, true);
    expect(draft.reach["customers.export"]).toEqual(EVERYTHING);
  });

  it("counts what differs, and nothing once it is taken back", () => {
    const before = draftOf(role);
    const after = withRight(before, update, true);
    expect(changesBetween(before, after)).toBe(1);
    expect(changesBetween(before, withRight(after, update, false))).toBe(0);
  });

  it("sends a scope only for the rights that have one", () => {
    expect(toBody(draftOf(role))).toEqual({
      label: "业务员",
      permissions: ["customers.read", "flows.read"],
      grants: [{ right: "customers.read", ...own }],
      fields: role.fields,
    });
  });
});
