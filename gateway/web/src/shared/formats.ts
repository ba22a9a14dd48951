/** How numbers, amounts and instants are written, everywhere. Amounts come as decimal text and are never floats. */
const YI = 100_000_000;
const WAN = 10_000;

/** "1234567.5" as "1,234,567.50"; "—" for nothing. Exact for any length. */
export function amount(value: string | null | undefined): string {
  if (value === null || value === undefined || value === "") return "—";
  const [whole = "0", fraction = ""] = value.replace("-", "").split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  return `${value.startsWith("-") ? "-" : ""}${grouped}.${fraction.padEnd(2, "0")}`;
}

/** A number for a chart's axis: 12300000 as "1,230万", 2.5e9 as "25亿"; in English "12.3M". */
export function chartNumber(value: number, language: string): string {
  if (!language.startsWith("zh")) {
    return new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 }).format(value);
  }
  const plain = new Intl.NumberFormat("zh-CN", { maximumFractionDigits: 2 });
  const size = Math.abs(value);
  if (size >= YI) return `${plain.format(value / YI)}亿`;
  if (size >= WAN) return `${plain.format(value / WAN)}万`;
  return plain.format(value);
}

/** An instant (UTC) on the company's clock: "2026-03-01 09:30". */
export function instant(value: string | null | undefined, zone = "Asia/Shanghai"): string {
  if (!value) return "—";
  const parts = new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone,
    dateStyle: "short",
    timeStyle: "short",
  });
  return parts.format(new Date(value));
}

/** A share between 0 and 1 as "42.0%"; it comes as decimal text. */
export function percent(value: string | null | undefined): string {
  if (value === null || value === undefined || value === "") return "—";
  return `${(Number(value) * 100).toFixed(1)}%`;
}
