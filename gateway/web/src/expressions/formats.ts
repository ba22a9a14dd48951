// How numbers and dates are written; the twin of functions/formats.py.

import { Decimal } from "decimal.js";

import { Num, type Parts, two } from "./values.js";

const NUMBER_PATTERN = /^(#,##)?0(?:\.(0{1,20}))?(%)?$/;
const DATE_TOKEN = /yyyy|mm|mi|m|dd|d|hh|ss|[^A-Za-z]/gu;
const PATTERN_LENGTH_MAX = 60;
const DIGITS = "零壹贰叁肆伍陆柒捌玖";
const RMB_LIMIT = new Num(10).pow(18);
const UNITS: Readonly<Record<string, readonly string[]>> = {
  year: ["year", "years", "y", "年"],
  quarter: ["quarter", "quarters", "q", "季", "季度"],
  month: ["month", "months", "m", "月"],
  week: ["week", "weeks", "w", "周"],
  day: ["day", "days", "d", "天", "日"],
  hour: ["hour", "hours", "h", "小时"],
  minute: ["minute", "minutes", "mi", "分钟"],
};
const UNIT_OF = new Map(
  Object.entries(UNITS).flatMap(([unit, words]) => words.map((word) => [word, unit] as const)),
);

/** The unit that a word names, in either language; "" for no unit. */
export function unitOf(word: string): string {
  return UNIT_OF.get(word.toLowerCase()) ?? "";
}

/** A number by its pattern (`#,##0.00`); null when the pattern is none. */
export function writeNumber(value: Decimal, pattern: string): string | null {
  const matched = NUMBER_PATTERN.exec(pattern);
  if (matched === null) return null;
  const [, grouped, decimals = "", percent] = matched;
  const scaled = percent === undefined ? value : value.times(100);
  const rounded = scaled.toDecimalPlaces(decimals.length, Decimal.ROUND_HALF_UP);
  const written = (rounded.isZero() ? rounded.abs() : rounded).toFixed(decimals.length);
  const [digits = "", ...rest] = written.split(".");
  const whole = grouped === undefined ? digits : digits.replace(/\B(?=(\d{3})+$)/g, ",");
  return [whole, ...rest].join(".") + (percent ?? "");
}

/** A date by its pattern (`yyyy年m月d日`); null when the pattern is none. */
export function writeDate(parts: Parts, pattern: string): string | null {
  const found = pattern.match(DATE_TOKEN) ?? [];
  const isPattern = found.join("") === pattern && found.some((token) => /^[a-z]+$/.test(token));
  if (!isPattern || Array.from(pattern).length > PATTERN_LENGTH_MAX || /[\p{C}\p{Zl}\p{Zp}]/u.test(pattern))
    return null;
  const tokens: Readonly<Record<string, string>> = {
    yyyy: String(parts.year).padStart(4, "0"),
    mm: two(parts.month),
    m: String(parts.month),
    dd: two(parts.day),
    d: String(parts.day),
    hh: two(parts.hour),
    mi: two(parts.minute),
    ss: two(parts.second),
  };
  return found.map((token) => tokens[token] ?? token).join("");
}

/** An amount in Chinese words, as on cheques; null from 10^16 on. */
export function rmb(value: Decimal): string | null {
  const cents = value.abs().times(100).toDecimalPlaces(0, Decimal.ROUND_HALF_UP);
  if (cents.gte(RMB_LIMIT)) return null;
  const all = BigInt(cents.toFixed());
  const [yuan, jiao, fen] = [all / 100n, Number((all / 10n) % 10n), Number(all % 10n)];
  let text = yuan > 0n ? `${said(yuan)}元` : "";
  if (jiao > 0) text += `${DIGITS[jiao]}角`;
  else if (fen > 0 && yuan > 0n) text += "零";
  if (fen > 0) text += `${DIGITS[fen]}分`;
  else text += text === "" ? "零元整" : "整";
  return (value.lt(0) && all > 0n ? "负" : "") + text;
}

/** A whole number below 10^16 in words. */
function said(value: bigint): string {
  for (const [size, unit] of [
    [100_000_000n, "亿"],
    [10_000n, "万"],
  ] as const) {
    if (value >= size) {
      const low = value % size;
      const gap = low > 0n && low < size / 10n ? "零" : "";
      return said(value / size) + unit + gap + (low > 0n ? said(low) : "");
    }
  }
  let text = "";
  let zero = false;
  for (const [size, unit] of [
    [1000n, "仟"],
    [100n, "佰"],
    [10n, "拾"],
    [1n, ""],
  ] as const) {
    const digit = Number((value / size) % 10n);
    if (digit > 0) text += (zero && text !== "" ? "零" : "") + DIGITS[digit] + unit;
    zero = digit === 0;
  }
  return text;
}
