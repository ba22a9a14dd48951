export type Level = "hidden" | "masked" | "read" | "write";
export const LEVELS: Level[] = ["hidden", "masked", "read", "write"];

export interface Scope {
  kind: string;
  departments?: string[];
  expression?: string;
}

/** How far a right reaches: one of its scopes is enough, the condition has to hold as well. */
export interface Reach {
  scopes: Scope[];
  condition: string | null;
}

export interface FieldRight {
  level: Level;
  mask?: string | null;
}
export type FieldRights = Record<string, Record<string, FieldRight>>;

export interface Role {
  id: string;
  key: string;
  label: string;
  permissions: string[];
  grants: (Reach & { right: string })[];
  fields: FieldRights;
  version: number;
}

interface Label {
  zh: string;
  en: string;
}
export interface Right {
  key: string;
  resource: string;
  action: string;
  label: Label;
  scoped: boolean;
}
export interface Resource {
  key: string;
  label: Label;
  fields: { path: string; label: Label; mask: string | null }[];
  scope_fields: { key: string; type: string; label: Label }[];
}
export interface Catalogue {
  items: Right[];
  resources: Resource[];
  scope_kinds: string[];
  levels: Level[];
  masks: string[];
}

export const EVERYTHING: Reach = { scopes: [{ kind: "all" }], condition: null };
/** Stands for the fields of a resource that are not named. */
export const EVERY_FIELD = "*";
export const ADMIN = "admin";

/** A role while it is being changed: each right that it gives, with how far that reaches. */
export interface Draft {
  label: string;
  reach: Record<string, Reach>;
  fields: FieldRights;
}

export function draftOf(role: Role): Draft {
  return {
    label: role.label,
    reach: Object.fromEntries(
      role.grants.map(({ right, scopes, condition }) => [right, { scopes, condition }]),
    ),
    fields: role.fields,
  };
}

export function toBody(draft: Draft): object {
  return {
    label: draft.label,
    permissions: Object.keys(draft.reach).sort(),
    grants: Object.entries(draft.reach)
      .filter(([, reach]) => !isEverything(reach))
      .map(([right, { scopes, condition }]) => ({ right, scopes, condition })),
    fields: draft.fields,
  };
}

export function isEverything({ scopes, condition }: Reach): boolean {
  return !condition && scopes.some(({ kind }) => kind === "all");
}

/** How many rights, reaches and fields differ. */
export function changesBetween(before: Draft, after: Draft): number {
  const rights = differing(before.reach, after.reach);
  const resources = new Set([...Object.keys(before.fields), ...Object.keys(after.fields)]);
  const fields = [...resources].reduce(
    (sum, key) => sum + differing(before.fields[key] ?? {}, after.fields[key] ?? {}),
    0,
  );
  return rights + fields + (before.label === after.label ? 0 : 1);
}

function differing(one: Record<string, unknown>, other: Record<string, unknown>): number {
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...keys].filter((key) => JSON.stringify(one[key]) !== JSON.stringify(other[key])).length;
}

/** The same draft with a right given or taken; what is given anew reaches as far as the others of its resource. */
export function withRight(draft: Draft, right: Right, given: boolean): Draft {
  const { [right.key]: _gone, ...rest } = draft.reach;
  if (!given) return { ...draft, reach: rest };
  const beside = Object.entries(draft.reach).find(
    ([key]) => key.startsWith(`${right.resource}.`) && right.scoped,
  );
  return { ...draft, reach: { ...rest, [right.key]: beside?.[1] ?? EVERYTHING } };
}
