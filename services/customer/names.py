"""When two customers' names may mean one company: what is left of one, and how like two are. Pure."""

from __future__ import annotations

import re
import unicodedata
from math import ceil

# What many names have and none is told apart by; longer forms first.
_FORMS = (
    "股份有限责任公司",
    "有限责任公司",
    "股份有限公司",
    "集团有限公司",
    "有限公司",
    "分公司",
    "公司",
    "集团",
    "corporation",
    "limited",
    "company",
    "coltd",
    "corp",
    "inc",
    "ltd",
    "llc",
    "gmbh",
)
# Pairs that so many names have that hardly any is found by them: places, trades, and their borders.
_COMMON_PAIRS = """
贸易 商贸 科技 技术 实业 发展 国际 投资 工程 建设 电子 材料 机械 设备 服务 管理 信息 网络
文化 食品 物流 制造 工业 建筑 化工 医药 汽车 能源 咨询 供应 应链 进出 出口 上海 北京 深圳
广州 杭州 南京 苏州 天津 重庆 成都 武汉 福建 浙江 江苏 广东 山东 中国 客户 公司
"""
_COMMON = frozenset(_COMMON_PAIRS.split())
_SIGNS = re.compile(r"[\W_]+")
_PIECES_MAX = 200
# From here on two names are taken for those of one company.
SIMILAR_FROM = 0.5


def name_key(name: str) -> str:
    """A name without brackets, blanks, signs and legal forms: 「蓝天（上海）贸易有限公司」 is `蓝天上海贸易`.

    Wide and narrow letters, large and small ones are the same. A name that is nothing but a legal form stays.
    """
    plain = _SIGNS.sub("", unicodedata.normalize("NFKC", name).casefold())
    left = plain
    while True:
        form = next((each for each in _FORMS if left.endswith(each)), left)
        if form == left:
            return left
        left = left.removesuffix(form)


def pieces(key: str) -> list[str]:
    """The pairs of neighbouring characters of a name's key, each once; of a single character, itself."""
    found = {key[place : place + 2] for place in range(len(key) - 1)} or ({key} - {""})
    return sorted(found)[:_PIECES_MAX]


def probes(key: str) -> list[str]:
    """The pairs by which every name is found that is similar to a key.

    Two sets of pairs with a Dice coefficient of t share at least t ÷ (2 − t) of either, so that all but so
    many must be looked for; the most common are left out (prefix filtering, Chaudhuri et al. 2006).
    """
    found = sorted(pieces(key), key=lambda pair: (pair in _COMMON, pair))
    shared = ceil(len(found) * SIMILAR_FROM / (2 - SIMILAR_FROM))
    return found[: len(found) - shared + 1]


def similarity(first: str, second: str) -> float:
    """How like two keys are, from 0 to 1: twice the pairs they share ÷ all their pairs (Dice, 1945)."""
    if first == second:
        return 1.0
    mine, theirs = set(pieces(first)), set(pieces(second))
    return 2 * len(mine & theirs) / (len(mine) + len(theirs)) if mine and theirs else 0.0
