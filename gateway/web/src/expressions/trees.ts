// The tree of an expression: the same JSON that the server makes, keeps and sends.

import { DEPTH_MAX, refuse, TOKENS_MAX } from "./problems.js";

export interface Operation {
  op: string;
  args: Tree[];
  at?: number;
}

export interface FieldName {
  field: string;
  at?: number;
}

export interface Literal {
  value: string | boolean | null;
  type: string;
  at?: number;
}

export type Tree = Operation | FieldName | Literal;

export const COMPARISONS: ReadonlySet<string> = new Set(["=", "<>", "<", "<=", ">", ">="]);
export const NAMED_OPERATORS: Readonly<Record<string, string>> = {
  AND: "and",
  OR: "or",
  NOT: "not",
  LIST: "list",
};

export function isOperation(tree: Tree): tree is Operation {
  return "op" in tree;
}

export function isField(tree: Tree): tree is FieldName {
  return "field" in tree;
}

/** How many nodes a tree has; `ExpressionError` for one that is too deep or too large to recurse into. */
export function sizeOf(tree: Tree): number {
  const todo: [Tree, number][] = [[tree, 1]];
  let count = 0;
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const [node, depth] = next;
    count += 1;
    if (depth > DEPTH_MAX)
      throw refuse(node.at ?? 0, "too_deep", `表达式嵌套最多 ${DEPTH_MAX} 层`, "拆成几个字段来计算");
    if (count > TOKENS_MAX)
      throw refuse(node.at ?? 0, "too_large", `表达式最多 ${TOKENS_MAX} 个部分`, "拆成几个字段来计算");
    if (isOperation(node)) for (const argument of node.args) todo.push([argument, depth + 1]);
  }
  return count;
}
