import dayjs, { type Dayjs } from "dayjs";
import timezone from "dayjs/plugin/timezone";
import utc from "dayjs/plugin/utc";
import type { TFunction } from "i18next";

dayjs.extend(utc);
dayjs.extend(timezone);

export interface Change {
  field: string;
  before: unknown;
  after: unknown;
}

export interface Line {
  place: number;
  at: string;
  source: string;
  actor: string;
  action: string;
  subject: string;
  detail: Record<string, unknown>;
  changes: Change[];
  address: string;
  agent: string;
  trace_id: string;
  hash: string;
}

/** What only the machine counts by. */
const UNTOLD = new Set(["id", "version"]);

export function told(changes: Change[]): Change[] {
  return changes.filter(({ field }) => !UNTOLD.has(lastOf(field)));
}

function lastOf(field: string): string {
  return field.split(".").at(-1) ?? field;
}

/** The word for an action; a dot would lead into the tree of texts. */
export function actionWord(t: TFunction, action: string): string {
  return t(`audit-words.action.${action.replaceAll(".", "-")}`, { defaultValue: action });
}

export function fieldWord(t: TFunction, field: string): string {
  return t(`audit-words.field.${lastOf(field)}`, { defaultValue: field });
}

/** A value as it stands in a line: texts plainly, records by their parts. */
export function valueText(t: TFunction, value: unknown): string {
  if (value === null || value === undefined || value === "") return "—";
  if (typeof value === "boolean") return t(value ? "yes" : "no");
  if (Array.isArray(value))
    return value.length === 0 ? "—" : value.map((each) => valueText(t, each)).join("、");
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}

const DAY = "YYYY-MM-DD";

/** From the first moment of a day to the end of another, on the company's clock, as instants. */
export function instants(from: string | undefined, to: string | undefined, zone: string) {
  return {
    ...(from ? { from: dayjs.tz(from, zone).toISOString() } : {}),
    ...(to ? { to: dayjs.tz(to, zone).add(1, "day").toISOString() } : {}),
  };
}

export function days(from: string | undefined, to: string | undefined): [Dayjs, Dayjs] | null {
  return from && to ? [dayjs(from), dayjs(to)] : null;
}

export function written(day: Dayjs | null | undefined): string | undefined {
  return day ? day.format(DAY) : undefined;
}

const AN_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-/;
const NAMING = ["customer_name", "name", "title", "code", "order_no", "invoice_no", "payment_no"];

/** What a line is about: its business key, else a name that it tells, else the id. */
export function subjectText({ subject, detail, changes }: Line): string {
  if (!AN_ID.test(subject)) return subject || "—";
  for (const name of NAMING) {
    const value = detail[name] ?? changes.find(({ field }) => lastOf(field) === name)?.after;
    if (typeof value === "string" && value !== "") return value;
  }
  return subject;
}
