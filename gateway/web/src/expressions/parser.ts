// Text to tree: the rules of grammar.lark, from the loosest binding to the tightest.

import { type Token, tokens } from "./lexer.js";
import { NAME_LENGTH_MAX, NESTING_MAX, refuse, TEXT_LENGTH_MAX } from "./problems.js";
import { COMPARISONS, type Literal, NAMED_OPERATORS, sizeOf, type Tree } from "./trees.js";

const CONSTANTS: Readonly<Record<string, [boolean | null, string]>> = {
  true: [true, "bool"],
  false: [false, "bool"],
  null: [null, "null"],
};

/** The tree of a text; `ExpressionError` names the place of what cannot be read. */
export function parse(text: string): Tree {
  if (text.length > TEXT_LENGTH_MAX) {
    throw refuse(TEXT_LENGTH_MAX, "too_long", `表达式最多 ${TEXT_LENGTH_MAX} 个字符`, "拆成几个字段来计算");
  }
  const tree = new Parser(tokens(text)).whole();
  sizeOf(tree);
  return tree;
}

class Parser {
  private place = 0;
  private nesting = 0;
  // `-(5)` is not the number -5, so it is remembered what stood in brackets of its own.
  private readonly groups = new WeakSet<Tree>();

  constructor(private readonly read: readonly Token[]) {}

  whole(): Tree {
    const tree = this.or();
    if (this.peek().kind !== "end") throw this.unexpected();
    return tree;
  }

  private peek(): Token {
    const token = this.read[this.place];
    if (token === undefined) throw this.unexpected();
    return token;
  }

  private advance(): Token {
    const token = this.peek();
    this.place += 1;
    return token;
  }

  private isSign(...signs: string[]): boolean {
    const token = this.peek();
    return token.kind === "sign" && signs.includes(token.text);
  }

  private isWord(word: string, ahead = 0): boolean {
    const token = this.read[this.place + ahead];
    return token !== undefined && token.kind === "name" && token.text.toLowerCase() === word;
  }

  private expect(sign: string): void {
    if (!this.isSign(sign)) throw this.unexpected();
    this.place += 1;
  }

  private unexpected(): Error {
    const token = this.read[Math.min(this.place, this.read.length - 1)];
    const at = token?.at ?? 0;
    if (token === undefined || token.kind === "end") {
      return refuse(at, "syntax", "表达式不完整", "补全这里缺少的值、名称或右括号");
    }
    return refuse(at, "syntax", `这里无法理解: ${token.text}`, "检查这里是否缺少运算符、逗号或括号");
  }

  private deeper<T>(inner: () => T): T {
    this.nesting += 1;
    // Besides brackets, `not` and `-` nest as well.
    if (this.nesting > NESTING_MAX * 2) {
      throw refuse(this.peek().at, "too_deep", `括号嵌套最多 ${NESTING_MAX} 层`, "拆成几个字段来计算");
    }
    const found = inner();
    this.nesting -= 1;
    return found;
  }

  private or(): Tree {
    return this.many("or", () => this.and());
  }

  private and(): Tree {
    return this.many("and", () => this.not());
  }

  private many(word: string, part: () => Tree): Tree {
    const parts = [part()];
    while (this.isWord(word)) {
      this.place += 1;
      parts.push(part());
    }
    return parts.length === 1 ? (parts[0] as Tree) : infix(word, parts);
  }

  private not(): Tree {
    if (!this.isWord("not")) return this.comparison();
    const { at } = this.advance();
    return { op: "not", args: [this.deeper(() => this.not())], at };
  }

  private comparison(): Tree {
    const left = this.joined();
    const token = this.peek();
    if (token.kind === "sign" && COMPARISONS.has(token.text)) {
      this.place += 1;
      return infix(token.text, [left, this.joined()]);
    }
    if (this.isWord("in")) {
      this.place += 1;
      return infix("in", [left, this.joined()]);
    }
    if (this.isWord("not") && this.isWord("in", 1)) {
      this.place += 2;
      return infix("not", [infix("in", [left, this.joined()])]);
    }
    return left;
  }

  private joined(): Tree {
    const parts = [this.chain(["+", "-"], () => this.product())];
    while (this.isSign("&")) {
      this.place += 1;
      parts.push(this.chain(["+", "-"], () => this.product()));
    }
    return parts.length === 1 ? (parts[0] as Tree) : infix("&", parts);
  }

  private product(): Tree {
    return this.chain(["*", "/"], () => this.chain(["^"], () => this.unary()));
  }

  private chain(signs: string[], part: () => Tree): Tree {
    let tree = part();
    while (this.isSign(...signs)) tree = infix(this.advance().text, [tree, part()]);
    return tree;
  }

  private unary(): Tree {
    if (!this.isSign("-")) return this.postfix();
    const { at } = this.advance();
    const inner = this.deeper(() => this.unary());
    if (isPlainNumber(inner) && !this.groups.has(inner))
      return { value: `-${inner.value}`, type: "number", at };
    return { op: "negative", args: [inner], at };
  }

  private postfix(): Tree {
    let tree = this.atom();
    while (this.isSign("%")) {
      this.place += 1;
      tree = infix("percent", [tree]);
    }
    return tree;
  }

  private atom(): Tree {
    const token = this.peek();
    const { at } = token;
    switch (token.kind) {
      case "number":
        this.place += 1;
        return { value: token.text, type: "number", at };
      case "text":
        this.place += 1;
        return { value: token.text.slice(1, -1).replaceAll('""', '"'), type: "text", at };
      case "date":
        this.place += 1;
        return dateLiteral(token.text.slice(1, -1).trim(), at);
      case "name":
      case "bracketed":
        return this.named();
      default:
        return this.enclosed();
    }
  }

  private named(): Tree {
    const token = this.advance();
    const word = token.text.toLowerCase();
    const constant = token.kind === "name" ? CONSTANTS[word] : undefined;
    if (constant !== undefined) return { value: constant[0], type: constant[1], at: token.at };
    if (token.kind === "name" && word === "not") {
      this.place -= 1;
      throw this.unexpected();
    }
    if (token.kind === "name" && this.isSign("(")) {
      const name = token.text.toUpperCase();
      this.place += 1;
      return { op: NAMED_OPERATORS[name] ?? name, args: this.items(")"), at: token.at };
    }
    const names = [nameOf(token)];
    while (this.isSign(".")) {
      this.place += 1;
      if (!["name", "bracketed"].includes(this.peek().kind)) throw this.unexpected();
      names.push(nameOf(this.advance()));
    }
    const field = names.join(".");
    if (field.length > NAME_LENGTH_MAX || names.includes("")) {
      throw refuse(token.at, "syntax", `字段名应有 1 到 ${NAME_LENGTH_MAX} 个字符`, "缩短名称");
    }
    return { field, at: token.at };
  }

  private enclosed(): Tree {
    const { at } = this.peek();
    if (this.isSign("[")) {
      this.place += 1;
      return { op: "list", args: this.items("]"), at };
    }
    this.expect("(");
    const inner = this.items(")", 1);
    if (inner.length > 1) return { op: "list", args: inner, at };
    const group = { ...(inner[0] as Tree) };
    this.groups.add(group);
    return group;
  }

  /** What stands between brackets, separated by commas. */
  private items(closing: string, least = 0): Tree[] {
    return this.deeper(() => {
      const found: Tree[] = [];
      if (least > 0 || !this.isSign(closing)) {
        found.push(this.or());
        while (this.isSign(",")) {
          this.place += 1;
          found.push(this.or());
        }
      }
      this.expect(closing);
      return found;
    });
  }
}

function infix(op: string, args: Tree[]): Tree {
  return { op, args, at: args[0]?.at ?? 0 };
}

function isPlainNumber(tree: Tree): tree is Literal & { value: string } {
  return (
    "value" in tree && tree.type === "number" && typeof tree.value === "string" && !tree.value.startsWith("-")
  );
}

function nameOf(token: Token): string {
  return token.kind === "bracketed" ? token.text.slice(1, -1).trim() : token.text;
}

function dateLiteral(value: string, at: number): Tree {
  return { value, type: /[T ]/.test(value) ? "datetime" : "date", at };
}
