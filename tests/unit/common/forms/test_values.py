"""How a record is settled: linkage, defaults, what is brought in, what is computed, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.common import strict_json
from services.common.expressions import World
from services.common.forms import Form, Surroundings, compile_form, load_values, settle_values
from tests.support.form_definitions import definitions

WORLD = World(now=datetime(2026, 3, 1, 8, tzinfo=UTC))
ID = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"


def field(key: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "label": {"zh": key}, "type": kind, **more}


def form(*fields: dict[str, Any], **more: Any) -> Form:
    return compile_form({"key": "contract", "title": {"zh": "合同"}, "fields": list(fields), **more}, 1)


def codes(made: Form, received: Any, before: Any = None, **around: Any) -> dict[str, str]:
    around = {"world": WORLD, **around}
    faults = settle_values(made, received, before, Surroundings(**around)).faults
    return {one.path: one.code for one in faults}


OPTIONS = [{"value": value, "label": {"zh": value}} for value in ("月结", "票据", "预付")]
CONTRACT = form(
    field("方式", "select", options=OPTIONS, required=True,
          options_when=[{"when": "金额 > 100000", "options": ["预付"]}]),
    field("天数", "number", visible_when='方式 = "月结"', required_when='方式 = "月结"'),
    field("金额", "money"),
    field("开始", "date", default_formula="TODAY()"),
    field("结束", "date"),
    field("状态", "text", default="草稿", read_only=True),
    checks=[{"when": "结束 < 开始", "message": {"zh": "结束早于开始", "en": "It ends before it begins"},
             "field": "结束"}],
)  # fmt: skip


def test_linkage_shows_requires_and_limits() -> None:
    assert codes(CONTRACT, {"方式": "月结"}) == {"天数": "required"}
    assert codes(CONTRACT, {"方式": "月结", "天数": 30}) == {}
    assert codes(CONTRACT, {"方式": "票据", "天数": 30}) == {"天数": "hidden_field"}
    assert codes(CONTRACT, {"方式": "票据", "天数": None}) == {}
    assert codes(CONTRACT, {"方式": "票据", "金额": "100000.01"}) == {"方式": "choice_not_now"}
    standing = settle_values(CONTRACT, {"方式": "预付", "金额": "200000"}, None, Surroundings(WORLD))
    assert standing.hidden == {"天数"}
    assert standing.options == {"方式": ("预付",)}


def test_fields_are_checked_across_and_the_message_is_the_admins() -> None:
    found = settle_values(CONTRACT, {"方式": "票据", "结束": "2026-02-01"}, None, Surroundings(WORLD)).errors
    assert found == [
        {"field": "fields.结束", "code": "check", "message": "结束早于开始",
         "message_en": "It ends before it begins"}
    ]  # fmt: skip
    assert codes(CONTRACT, {"方式": "票据"}) == {}, "a check over an empty field does not hold"


def test_defaults_fill_in_and_read_only_fields_are_refused() -> None:
    made = load_values(CONTRACT, {"方式": "票据"}, None, Surroundings(WORLD))
    assert made == {"方式": "票据", "开始": "2026-03-01", "状态": "草稿"}
    assert codes(CONTRACT, {"方式": "票据", "状态": "完成"}) == {"状态": "read_only"}
    assert codes(CONTRACT, {"状态": "完成"}, made) == {"状态": "read_only"}
    assert codes(CONTRACT, {"状态": "草稿"}, made) == {}, "who sends back what was read changes nothing"


def test_a_pattern_has_its_own_message() -> None:
    made = form(field("编号", "text", pattern={"regex": "HT-[0-9]{4}", "message": {"zh": "编号如 HT-0001"}}))
    assert codes(made, {"编号": "HT-0001"}) == {}
    assert settle_values(made, {"编号": "xHT-0001"}).errors[0]["message"] == "编号如 HT-0001"


def test_a_chosen_record_brings_in_what_is_known() -> None:
    made = form(
        field("客户", "relation", form="customer", prefill=[{"source": "region", "target": "地区"}]),
        field("地区", "text"),
        field("等级", "lookup", relation="客户", field="grade"),
        field("资本", "lookup", relation="客户", field="registered_capital", as_type="number"),
        field("倍数", "formula", formula="资本 * 2"),
    )
    related = {ID: {"id": ID, "region": "华东", "grade": "A", "fields": {"registered_capital": "100.00"}}}
    around = Surroundings(WORLD, related=related)
    first = load_values(made, {"客户": ID}, None, around)
    assert first == {
        "客户": ID, "地区": "华东", "等级": "A", "资本": "100.00", "倍数": "200"
    }  # fmt: skip
    assert load_values(made, {"客户": ID, "地区": "华南"}, None, around)["地区"] == "华南"
    assert load_values(made, {"客户": None}, first, around) == {"地区": "华东"}


def test_rows_are_computed_before_the_record() -> None:
    made = form(
        field("合计", "formula", formula="SUM(明细.小计) * (1 + 税率)", decimals=2),
        field("税率", "percent", default="0.13"),
        field("明细", "sub_table", fields=[
            field("数量", "number", required=True), field("单价", "money"),
            field("小计", "formula", formula="数量 * 单价", decimals=2),
        ]),
    )  # fmt: skip
    rows = [{"数量": 3, "单价": "1.50"}, {"数量": 1, "单价": "0.05"}]
    found = load_values(made, {"明细": rows})
    assert [row["小计"] for row in found["明细"]] == ["4.5", "0.05"]
    assert found["合计"] == "5.14"
    assert load_values(made, {"明细": found["明细"]}, found) == found, "what was read can be written again"
    assert codes(made, {"明细": [{"单价": "1"}]}) == {"明细.0.数量": "required"}


def test_what_a_newer_version_asks_for_does_not_hold_up_other_changes() -> None:
    newer = form(field("名称", "text"), field("电话", "phone", required=True))
    assert codes(newer, {"名称": "乙"}, {"名称": "甲"}) == {}
    assert codes(newer, {"电话": None}, {"名称": "甲"}) == {"电话": "null"}
    assert codes(newer, {"名称": "甲"}) == {"电话": "required"}


def test_a_value_of_another_type_from_an_older_version_stays_and_computes_as_nothing() -> None:
    newer = form(field("数", "number"), field("倍", "formula", formula="数 * 2"), field("名", "text"))
    assert load_values(newer, {"名": "甲"}, {"数": "三百", "旧": 5}) == {"数": "三百", "旧": 5, "名": "甲"}


@given(definitions())
def test_any_valid_definition_reads_back_as_itself(stored: dict[str, Any]) -> None:
    again = strict_json.loads(strict_json.dumps(stored))
    assert compile_form(again, 1).definition == compile_form(stored, 1).definition


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(-(10**6), 10**6)), max_size=20))
def test_computed_fields_equal_a_reference(rows: list[tuple[int, int]]) -> None:
    made = form(
        field("净", "formula", formula="毛 - 扣"),
        field("毛", "formula", formula="SUM(行.额)"),
        field("扣", "formula", formula="IF(毛 > 1000, 毛 * 0.1, 0)"),
        field("行", "sub_table", fields=[
            field("a", "number"), field("b", "number"), field("额", "formula", formula="a * b / 4")
        ]),
    )  # fmt: skip
    found = load_values(made, {"行": [{"a": a, "b": b} for a, b in rows]})
    gross = sum((Decimal(a) * b / 4 for a, b in rows), Decimal(0))
    off = gross / 10 if gross > 1000 else Decimal(0)
    assert Decimal(found["毛"]) == gross
    assert Decimal(found["净"]) == gross - off
