"""`make reference`: the pages on the expression language, in both languages, from its table of functions."""

from __future__ import annotations

from pathlib import Path

from services.common.expressions.functions import FAMILIES, FUNCTIONS, Function
from services.common.expressions.problems import (
    DEPTH_MAX,
    ITEMS_MAX,
    STEPS_MAX,
    TEXT_LENGTH_MAX,
    VALUE_LENGTH_MAX,
)
from services.common.expressions.types import NAMES_ZH

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {"en": "expressions.md", "zh": "expressions.zh-CN.md"}
# Functions that have no SQL; a test compares this with what the SQL backend compiles.
NOT_IN_SQL = ("LOOKUP", "REGEXMATCH", "RMB")
_FAMILY_NAMES = {
    "logic": ("Logic", "逻辑"),
    "number": ("Numbers", "数字"),
    "text": ("Texts", "文本"),
    "date": ("Dates and instants", "日期与时刻"),
    "list": ("Lists and sub-tables", "列表与子表"),
    "lookup": ("Other forms", "其他表单"),
    "check": ("Checks", "校验"),
}
_EN = f'''# The expression language

Written by `make reference` from the table of functions; every example is run by the tests.
中文: expressions.zh-CN.md.

Formulas, conditions, rules, record scopes and report filters are written in one language. It looks like a
spreadsheet's: `IF(年销售额 * 0.1 > 500000, 500000, 年销售额 * 0.1)`. It means the same in the services (Python), in
the database (PostgreSQL) and in the browser (TypeScript).

## How it is written
| what | how |
|---|---|
| numbers | `1234.5`, `80%` (0.8); exact decimals, 30 digits before the point and 20 after it |
| texts | `"A"`; a quotation mark inside is doubled: `"say ""yes"""` |
| dates, instants | `#2026-01-31#`, `#2026-01-31T08:00:00+08:00#`; beside a date, a text in that form is one |
| yes or no, nothing | `true`, `false`, `null` |
| lists | `[1, 2]` or `("A", "B")`; of one expression: `LIST(a)` |
| fields | their key or label in any script: `年销售额`; names with blanks in brackets: `[应收 余额]` |
| columns | of a record `客户.名称`; of a sub-table `明细.金额`, which is a list of its rows' values |
| arithmetic | `+ - * / ^`, `%` after a value; of equal rank from left to right; `-2 ^ 2` is 4, as in spreadsheets |
| dates | `due + 30`, `due - 30`, and the days between two: `due - start` |
| text | `&` joins |
| comparisons | `= <> < <= > >=`, `in`, `not in` |
| logic | `not`, `and`, `or`, in this order; capitals or small letters |

From the tightest to the loosest: `%`, `-` before a value, `^`, `* /`, `+ -`, `&`, comparisons and `in`, `not`,
`and`, `or`.

## What null means
- Arithmetic with null is null. A comparison with null is false, `<>` and `in` too; `ISEMPTY` asks for null.
- `and`, `or`, `not` and conditions take anything but true as false: `not null` is true.
- `&` and `CONCAT` take null as a text without characters; `SUM`, `MIN`, `COUNT` and their kind leave it out.
- Any other function given null is null, or false if it answers yes or no.
- Division by zero is null; so is a result beyond 10^30, a root of a negative number, a date that does not exist and a
  text of more than {VALUE_LENGTH_MAX:,} characters.
- A result with more than 20 places is rounded there, half away from zero.
- An instant beside a date counts as its date by the local clocks.

## Limits
A text of {TEXT_LENGTH_MAX:,} characters, nesting of {DEPTH_MAX}, lists of {ITEMS_MAX:,} items, {STEPS_MAX:,} steps
for one evaluation (an item that is read, or a part that is computed for a row, is one). Beyond them an expression is
refused with its place.

## Cells of decision tables
| cell | holds when the column is |
|---|---|
| `-` | anything, null too |
| `"A"`, `5`, `"A", "B"`, `1, 3, > 10` | one of them |
| `>= 5`, `< #2026-01-31#`, `<> 0` | so |
| `[1..10]`, `[1..10)`, `(1..10)` | between the ends, which square brackets include |
| `not("A", "B")` | none of them |
| `null` | null, or a text without characters |

Ends and values may be expressions that read other fields. Hit policies: `first`, `collect`, `max`, `min`.

## Functions
`?` marks what may be left out. In the examples 明细 is a sub-table with the columns 金额 (10, 20, 30) and 类别 ("A",
"B", "A"); 2026-02-14 is a working Saturday, 2026-02-16 a holiday. `²`: not in the database.
'''
_ZH = f'''# 表达式语言

由 `make reference` 根据函数表生成, 每个例子都由测试运行。English: expressions.md。

公式、条件、规则、数据范围与报表筛选都用同一种语言书写, 与电子表格相似:
`IF(年销售额 * 0.1 > 500000, 500000, 年销售额 * 0.1)`。在服务端 (Python)、数据库 (PostgreSQL) 与浏览器
(TypeScript) 中含义相同。

## 写法
| 内容 | 写法 |
|---|---|
| 数字 | `1234.5`、`80%` (0.8); 精确的十进制数, 整数最多 30 位, 小数最多 20 位 |
| 文本 | `"A"`; 其中的双引号写两个: `"说""是"""` |
| 日期与时刻 | `#2026-01-31#`、`#2026-01-31T08:00:00+08:00#`; 与日期相比的同样形式的文本也是日期 |
| 是否与空值 | `true`、`false`、`null` |
| 列表 | `[1, 2]` 或 `("A", "B")`; 只有一个表达式时写 `LIST(a)` |
| 字段 | 任何文字的键或名称: `年销售额`; 含空格的名称写在方括号内: `[应收 余额]` |
| 列 | 记录的列 `客户.名称`; 子表的列 `明细.金额`, 是各行的值组成的列表 |
| 算术 | `+ - * / ^`, 值后面的 `%`; 同级从左到右; `-2 ^ 2` 为 4, 与电子表格相同 |
| 日期 | `due + 30`、`due - 30`, 两个日期之间的天数 `due - start` |
| 文本 | `&` 连接 |
| 比较 | `= <> < <= > >=`、`in`、`not in` |
| 逻辑 | 依次为 `not`、`and`、`or`, 不分大小写 |

由紧到松: `%`、值前面的 `-`、`^`、`* /`、`+ -`、`&`、比较与 `in`、`not`、`and`、`or`。

## 空值的含义
- 与空值的算术为空。与空值的比较不成立, `<>` 与 `in` 也一样; 用 `ISEMPTY` 判断是否为空。
- `and`、`or`、`not` 与条件把一切不是 true 的值视为不成立: `not null` 成立。
- `&` 与 `CONCAT` 把空值视为空文本; `SUM`、`MIN`、`COUNT` 等跳过空值。
- 其他函数的参数为空时结果为空; 回答是否的函数则不成立。
- 除以零为空; 超出 10^30 的结果、负数的平方根、不存在的日期、超过 {VALUE_LENGTH_MAX:,} 个字符的文本也为空。
- 结果的小数超过 20 位时四舍五入到 20 位。
- 时刻与日期相比时, 取它在本地的日期。

## 限制
文本最多 {TEXT_LENGTH_MAX:,} 个字符, 嵌套最多 {DEPTH_MAX} 层, 列表最多 {ITEMS_MAX:,} 项, 一次计算最多
{STEPS_MAX:,} 步 (读取的每一项、对每一行计算的每一部分为一步)。超出时拒绝, 并指出位置。

## 决策表的单元格
| 单元格 | 何时成立 |
|---|---|
| `-` | 任何值, 包括空值 |
| `"A"`、`5`、`"A", "B"`、`1, 3, > 10` | 等于其中之一, 或符合其中之一 |
| `>= 5`、`< #2026-01-31#`、`<> 0` | 符合比较 |
| `[1..10]`、`[1..10)`、`(1..10)` | 在两端之间, 方括号包含端点 |
| `not("A", "B")` | 不是其中任何一个 |
| `null` | 空值或空文本 |

端点与值可以是读取其他字段的表达式。命中策略: `first` (第一行)、`collect` (全部)、`max`、`min`。

## 函数
`?` 表示可以省略。例子中的明细是子表, 列为金额 (10、20、30) 与类别 ("A"、"B"、"A"); 2026-02-14 是调休的工作日,
2026-02-16 是节假日。`²`: 不能在数据库中计算。
'''


def main() -> None:
    """Write both pages."""
    for language, name in PAGES.items():
        (DOCS / name).write_text(page(language), encoding="utf-8")


def page(language: str) -> str:
    """The page in a language: `en` or `zh`."""
    chinese = language == "zh"
    lines = [_ZH if chinese else _EN]
    for family in FAMILIES:
        lines += [f"### {_FAMILY_NAMES[family][chinese]}", ""]
        heads = "| 函数 | 含义 | 类型 | 例子 |" if chinese else "| function | meaning | types | example |"
        lines += [heads, "|---|---|---|---|"]
        lines += [_row(function, chinese) for function in FUNCTIONS.values() if function.family == family]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _row(function: Function, chinese: bool) -> str:
    mark = "²" if function.name in NOT_IN_SQL else ""
    taken = ", ".join("|".join(_type(each, chinese) for each in one.types) for one in function.parameters)
    types = f"({taken}) → {_type(function.returns, chinese)}"
    cells = [
        f"`{function.signature}`{mark}",
        function.zh if chinese else function.en,
        types,
        f"`{function.example}` = `{function.result}`",
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _type(written: str, chinese: bool) -> str:
    if written.startswith("list(") and chinese:
        return f"{_type(written[5:-1], chinese)}列表"
    named = {"scalar": "单个值", "same": "同第一个参数", **NAMES_ZH} if chinese else {"same": "as the first"}
    return named.get(written, written)


if __name__ == "__main__":
    main()
