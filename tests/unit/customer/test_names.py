"""What of a name tells companies apart, and how like two names are."""

from __future__ import annotations

from itertools import product

import pytest

from services.customer.names import SIMILAR_FROM, name_key, pieces, probes, similarity


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("蓝天贸易有限公司", "蓝天贸易"),
        ("蓝天（上海）贸易有限责任公司", "蓝天上海贸易"),
        ("蓝天(上海) 贸易股份有限公司", "蓝天上海贸易"),
        ("蓝天贸易集团有限公司", "蓝天贸易"),
        ("ＢＬＵＥ Sky Trading Co., Ltd.", "blueskytrading"),
        ("有限公司", "有限公司"),
        ("公司", "公司"),
    ],
)
def test_brackets_and_legal_forms_do_not_count(name: str, key: str) -> None:
    assert name_key(name) == key


@pytest.mark.parametrize(
    ("first", "second", "alike"),
    [
        ("蓝天（上海）贸易有限公司", "蓝天上海贸易有限公司", True),
        ("上海蓝天贸易有限公司", "蓝天贸易有限公司", True),
        ("福州宏达机械设备有限公司", "福州市宏达机械设备有限公司", True),
        ("上海蓝天贸易有限公司", "上海大海贸易有限公司", False),
        ("中国石油", "中国石化", True),
        ("云岭（上海）茶业有限公司", "云岭茶业有限公司", True),
        ("甲", "乙", False),
    ],
)
def test_names_of_one_company_are_alike(first: str, second: str, alike: bool) -> None:
    assert (similarity(name_key(first), name_key(second)) >= SIMILAR_FROM) is alike


def test_the_pairs_that_are_looked_for_find_every_similar_name() -> None:
    signs = "蓝天贸易科技"
    keys = {"".join(each) for size in (1, 2, 3, 4) for each in product(signs[: 7 - size], repeat=size)}
    listed = sorted(keys)[::7]
    pairs = [(first, second) for first in listed for second in listed]
    found = [(a, b) for a, b in pairs if similarity(a, b) >= SIMILAR_FROM]
    assert len(found) > len(listed)
    for first, second in found:
        assert set(probes(first)) & set(pieces(second)), (first, second)
