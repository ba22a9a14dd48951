// Text to tokens, after the terminals of grammar.lark.

import { refuse, TOKENS_MAX } from "./problems.js";

export type Kind = "name" | "bracketed" | "number" | "text" | "date" | "sign" | "end";

export interface Token {
  kind: Kind;
  text: string;
  at: number;
}

// The ranges of grammar.lark: letters of any script, no symbols, no punctuation.
const START =
  "A-Za-z_\\u00C0-\\u00D6\\u00D8-\\u00F6\\u00F8-\\u1FFF\\u2C00-\\u2FEF\\u3004-\\u3007\\u3021-\\u302F" +
  "\\u3031-\\uD7FF\\uF900-\\uFDCF\\uFDF0-\\uFEFE\\uFF10-\\uFF19\\uFF21-\\uFF3A\\uFF41-\\uFF5A\\uFF66-\\uFFEF" +
  "\\u{10000}-\\u{EFFFF}";
const NAME = new RegExp(`[${START}][0-9${START}]*`, "uy");
const BRACKETED =
  /\[(?!\s*(?:-?[0-9]+(?:\.[0-9]+)?%?|true|false|null|#[^#\]]*#)\s*\])(?:(?!\.\.)[^[\]",，\n])+\]/iuy;
const NUMBER = /[0-9]+(?:\.[0-9]+)?/uy;
const STRING = /"(?:[^"]|"")*"/uy;
const DATE = /#[^#\n]*#/uy;
const SIGN = /<=|>=|<>|[=<>+\-*/^&%()[\],.]/uy;
const BLANK = /[ \t\r\n\u3000\u00a0]+/uy;
const WIDE: Readonly<Record<string, string>> = { "（": "(", "）": ")", "，": "," };
const SHOWN = 12;

const RULES: readonly [Kind, RegExp][] = [
  ["bracketed", BRACKETED],
  ["name", NAME],
  ["number", NUMBER],
  ["text", STRING],
  ["date", DATE],
  ["sign", SIGN],
];

/** The tokens of a text, the last one being its end; places are counted in characters, as the server does. */
export function tokens(text: string): Token[] {
  const found: Token[] = [];
  const place = places(text);
  let index = 0;
  while (index < text.length) {
    BLANK.lastIndex = index;
    const blank = BLANK.exec(text);
    if (blank !== null) {
      index += blank[0].length;
      continue;
    }
    const token = next(text, index, place(index));
    if (token === null) throw unreadable(text, index, place(index));
    found.push(token);
    index += token.kind === "sign" && WIDE[text[index] ?? ""] !== undefined ? 1 : token.text.length;
    if (found.length > TOKENS_MAX)
      throw refuse(0, "too_large", `表达式最多 ${TOKENS_MAX} 个部分`, "拆成几个字段来计算");
  }
  found.push({ kind: "end", text: "", at: place(text.length) });
  return found;
}

function next(text: string, index: number, at: number): Token | null {
  const wide = WIDE[text[index] ?? ""];
  if (wide !== undefined) return { kind: "sign", text: wide, at };
  for (const [kind, rule] of RULES) {
    rule.lastIndex = index;
    const matched = rule.exec(text);
    if (matched !== null) return { kind, text: matched[0], at };
  }
  return null;
}

/** From an index in UTF-16 to an index in characters. */
function places(text: string): (index: number) => number {
  if (!/[\ud800-\udfff]/.test(text)) return (index) => index;
  return (index) => Array.from(text.slice(0, index)).length;
}

function unreadable(text: string, index: number, at: number): Error {
  return refuse(
    at,
    "syntax",
    `这里无法理解: ${text.slice(index, index + SHOWN)}`,
    "检查这里是否缺少运算符、逗号或括号",
  );
}
