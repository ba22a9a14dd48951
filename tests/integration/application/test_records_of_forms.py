"""Records of forms that an admin made: written, read, searched, kept through versions, and guarded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import eventlet

from services.application.operations import forms
from services.common.caller import Caller, Clause, FieldRight
from services.common.errors import CreditError
from tests.integration.application.conftest import FIELDS, Office, field, numbers
from tests.support.wait import wait_until

ACTIONS = ("read", "create", "update", "delete")


def test_a_record_is_created_read_changed_hidden_and_restored(office: Office) -> None:
    form, me = office.publish()
    made = office.add(form, me, 主题="回访", 金额="100.00", 等级="A")
    assert made["fields"] == {
        "编号": f"BF-{made['created_at'][:4]}-000001", "主题": "回访", "金额": "100.00", "等级": "A",
        "税后": "87",
    }  # fmt: skip
    assert (made["version"], made["form_version"], made["created_by"]) == (1, 1, "wang")
    key = {"form": form, "record_id": made["id"]}
    assert office.ask("get_record", me, **key) == made

    changed = office.ask("update_record", me, **key, version=1, fields={"金额": "200.00", "等级": None})
    assert changed["fields"]["税后"] == "174"
    assert "等级" not in changed["fields"]
    stale = office.refused("update_record", me, **key, version=1, fields={"金额": "300.00"})
    assert (stale.status, stale.code) == (409, "stale_version")
    assert office.ask("update_record", me, **key, fields={"金额": "200.00"})["version"] == 2

    assert office.ask("delete_record", me, **key, version=2)["deleted"] is True
    assert office.refused("get_record", me, **key).status == 404
    assert office.listed(form, me) == []
    assert office.listed(form, me, deleted="true") == ["回访"]
    assert office.ask("restore_record", me, **key)["version"] == 4
    assert office.listed(form, me) == ["回访"]

    history = office.ask("list_record_history", me, **key)["items"]
    assert [line["action"] for line in history] == ["restored", "deleted", "updated", "created"]
    assert {"field": "fields.金额", "label": "金额", "before": "100.00", "after": "200.00"} in history[2][
        "changes"
    ]
    told = [f"record_{what}" for what in ("created", "updated", "deleted", "restored")]
    for name in told:
        mine = [event for event in office.door.log_of("application", name) if event["record"]["form"] == form]
        assert len(mine) == 1, name


def test_bad_records_are_refused_by_field_and_nothing_is_half_saved(office: Office) -> None:
    form, me = office.publish()
    refused = office.refused("create_record", me, form=form, fields={"颜色": "红", "金额": "x", "税后": "1"})
    found = {error["field"]: error["code"] for error in refused.errors}
    assert refused.status == 422
    assert found == {
        "fields.颜色": "unknown_field", "fields.金额": "amount_malformed", "fields.税后": "computed",
        "fields.主题": "required",
    }  # fmt: skip
    assert all(error["message_en"].isascii() for error in refused.errors)
    assert office.refused("create_record", me, form="nothing", fields={}).status == 403
    nobody = replace(me, permissions=frozenset({"form:nothing.create"}))
    assert office.refused("create_record", nobody, form="nothing", fields={}).code == "form_not_found"
    assert office.refused("create_record", me, form=5, fields={}).status == 400
    assert office.refused("create_record", me, form=form, fields=[]).status == 422
    assert office.listed(form, me) == []
    assert office.add(form, me, 主题="好")["fields"]["编号"].endswith("000001"), "no number was spent"


def test_what_is_unique_stays_so_until_its_record_is_gone(office: Office) -> None:
    form, me = office.publish(unique=[["主题", "等级"]])
    number = "11010519491231002X"
    first = office.add(form, me, 主题="甲", 等级="A", 证件号=number)
    second = office.refused("create_record", me, form=form, fields={"主题": "乙", "证件号": number})
    assert (second.status, second.errors[0]["field"], second.errors[0]["code"]) == (
        409, "fields.证件号", "not_unique"
    )  # fmt: skip
    again = office.refused("create_record", me, form=form, fields={"主题": "甲", "等级": "A"})
    assert [error["field"] for error in again.errors] == ["fields.主题", "fields.等级"]
    office.add(form, me, 主题="甲", 等级="B")
    office.add(form, me, 主题="甲")
    office.add(form, me, 主题="甲")

    key = {"form": form, "record_id": first["id"]}
    office.ask("delete_record", me, **key)
    other = office.add(form, me, 主题="丙", 证件号=number)
    assert office.refused("restore_record", me, **key).status == 409
    office.ask("update_record", me, form=form, record_id=other["id"], fields={"证件号": None})
    assert office.ask("restore_record", me, **key)["fields"]["证件号"] == number


def test_records_are_filtered_sorted_paged_and_searched_in_chinese(office: Office) -> None:
    form, me = office.publish()
    for place in range(7):
        office.add(
            form, me, 主题=f"客户{place}", 金额=f"{place}.00", 等级="AB"[place % 2],
            日期=f"2026-03-0{place + 1}", 标签=["重点"] if place > 4 else ["普通"],
            内容="谈授信额度 Credit-Limit",
        )  # fmt: skip
    assert office.listed(form, me, filter="金额 >= 5") == ["客户5", "客户6"]
    assert office.listed(form, me, filter='等级 = "B" and 日期 < #2026-03-05#') == ["客户1", "客户3"]
    assert office.listed(form, me, filter='created_by = "wang" and 税后 > 5') == ["客户6"]
    assert office.listed(form, me, 等级="B") == ["客户1", "客户3", "客户5"]
    assert office.listed(form, me, **{"fields.金额": "6"}) == ["客户6"]
    assert office.listed(form, me, 标签="重点") == ["客户5", "客户6"]
    assert office.listed(form, me, q="信额") == [f"客户{place}" for place in range(7)]
    assert office.listed(form, me, q="客户3") == ["客户3"]
    assert office.listed(form, me, q="A级 limi") == [f"客户{place}" for place in (0, 2, 4, 6)]
    assert office.listed(form, me, q="户客") == []
    assert office.listed(form, me, q="!") == []

    seen: list[str] = []
    after = None
    while True:
        page = office.ask(
            "list_records", me, form=form, sort="-金额", page_size=3, page_after=after, where={}
        )
        seen += [item["fields"]["主题"] for item in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == [f"客户{place}" for place in range(6, -1, -1)]

    wrong = office.refused("list_records", me, form=form, where={"filter": "金额 > 没有"})
    assert (wrong.status, wrong.errors[0]["code"], wrong.errors[0]["position"]) == (422, "unknown_field", 5)
    assert office.refused("list_records", me, form=form, where={"没有": "1"}).status == 422
    assert office.refused("list_records", me, form=form, sort="内容", where={}).code == "sort_unknown"


def test_searchable_fields_get_indexes_that_filters_use(office: Office) -> None:
    form, me = office.publish()
    office.add(form, me, 主题="甲", 等级="A")

    def indexes() -> list[str]:
        wanted = "SELECT indexdef FROM pg_indexes WHERE tablename = %(table)s AND indexname ~ '^ix_field_'"
        with office.database.begin(me) as work:
            rows = work.execute_driver_sql(wanted, {"table": f"form_records_{form}"})
            return [str(row[0]) for row in rows]

    wait_until(lambda: len(indexes()) == 5, what="the indexes of five searchable fields")
    with office.database.begin(me) as work:
        work.execute_driver_sql("SET LOCAL enable_seqscan = off", {})
        plan = work.execute_driver_sql(
            f'EXPLAIN SELECT id FROM form_records WHERE form = \'{form}\' AND deleted_at IS NULL'
            " AND form_text(fields -> '等级') = 'A'", {},
        )  # fmt: skip
        assert "ix_field_" in "\n".join(str(row[0]) for row in plan)


def test_a_draft_that_changes_while_it_is_published_is_checked_as_it_is_published(office: Office) -> None:
    form, me = office.publish()
    definition = {"key": form, "title": {"zh": "拜访"}, "fields": [*FIELDS, field("备注", "text")]}
    office.ask("save_form", me, key=form, definition=definition)
    astray = {**definition, "fields": [*FIELDS, field("合同", "relation", form="nowhere")]}
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%%form_drafts%%'"

    def is_waiting() -> bool:
        with office.database.begin(me) as work:
            return work.execute_driver_sql(waiting, {}).first() is not None

    with office.database.begin(me) as work:
        forms.save_form(work, form, astray)
        publishing = eventlet.spawn(office.refused, "publish_form", me, key=form)
        wait_until(is_waiting, what="a publisher that waits for the draft")
    problem = publishing.wait()
    assert [error["code"] for error in problem.errors] == ["form_missing"]
    assert office.ask("get_form", me, key=form)["version"] == 1


VISIT = [
    field("客户", "relation", form="customer", prefill=[{"source": "region", "target": "地区"}]),
    field("主题", "text", required=True),
    field("地区", "text"),
    field("客户名", "lookup", relation="客户", field="name"),
]


def test_choosing_a_customer_brings_in_what_the_caller_may_see_of_it(office: Office) -> None:
    form, me = office.publish(VISIT)
    boss = Caller("user", "1", "boss", permissions=frozenset({"customers.create"}))
    customer = office.door.ask(
        "customer", "create_customer", {"code": f"C-{form}", "name": "蓝天公司", "region": "华东"}, boss
    )
    made = office.add(form, me, 主题="回访", 客户=customer["id"])
    assert made["fields"] == {"主题": "回访", "客户": customer["id"], "地区": "华东", "客户名": "蓝天公司"}
    event = office.door.log_of("application", "record_created")[-1]
    assert event["customer_id"] == customer["id"]

    unseen = replace(me, id="8", fields={"customers": {"name": FieldRight("masked", "text")}})
    shown = office.add(form, unseen, 主题="再访", 客户=customer["id"])
    assert "客户名" not in shown["fields"], "a mask is no value to be kept"
    missing = office.refused(
        "create_record", me, form=form, fields={"主题": "x", "客户": "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"}
    )
    assert missing.errors[0] == {
        "field": "fields.客户", "code": "relation_unknown", "message": "关联的记录不存在",
        "message_en": "names a record that does not exist",
    }  # fmt: skip
    draft = office.ask("evaluate_form", me, form=form, fields={"客户": customer["id"]})
    assert draft["fields"]["地区"] == "华东"
    assert [error["field"] for error in draft["errors"]] == ["fields.主题"]


def test_records_that_point_to_another_are_summed_up(office: Office) -> None:
    parent = f"contract-{next(numbers)}"
    child = f"{parent}-payment"
    me = office.person(parent)
    me = replace(me, permissions=me.permissions | office.person(child).permissions)
    total = field("已付", "rollup", form=child, relation="合同", aggregate="sum", field="金额")
    times = field("次数", "rollup", form=child, relation="合同", aggregate="count")
    plain = {"key": parent, "title": {"zh": "合同"}, "fields": [field("主题", "text")]}
    office.ask("create_form", me, key=parent, definition=plain)
    office.ask("publish_form", me, key=parent)
    fields = [field("合同", "relation", form=parent), field("金额", "money"), field("主题", "text")]
    office.ask("create_form", me, key=child, definition={**plain, "key": child, "fields": fields})
    office.ask("publish_form", me, key=child)
    more = {**plain, "fields": [*plain["fields"], total, times]}
    office.ask("save_form", me, key=parent, definition=more)
    office.ask("publish_form", me, key=parent)

    contract, empty = office.add(parent, me, 主题="甲"), office.add(parent, me, 主题="乙")
    for amount in ("10.50", "20.00"):
        office.add(child, me, 合同=contract["id"], 金额=amount)
    items = office.ask("list_records", me, form=parent, where={})["items"]
    found = {item["id"]: item["fields"] for item in items}
    assert found[contract["id"]] == {"主题": "甲", "已付": "30.5", "次数": "2"}
    assert found[empty["id"]] == {"主题": "乙", "已付": "0", "次数": "0"}
    stranger = replace(office.person(parent), id="9")
    assert "已付" not in office.ask("get_record", stranger, form=parent, record_id=contract["id"])["fields"]


def test_a_published_version_stays_and_records_open_under_the_newest(office: Office) -> None:
    form, me = office.publish([field("主题", "text"), field("数", "text"), field("旧", "number")])
    old = office.add(form, me, 主题="甲", 数="三百", 旧="5")
    newer = {
        "key": form, "title": {"zh": "拜访"},
        "fields": [field("主题", "text"), field("数", "number", searchable=True), field("新", "text")],
    }  # fmt: skip
    saved = office.ask("save_form", me, key=form, definition=newer)
    warned = {one["field"]: (one["code"], one["records"]) for one in saved["warnings"]}
    assert warned == {"数": ("field_retyped", 1), "旧": ("field_removed", 1)}
    assert (saved["state"], saved["version"]) == ("changed", 1)
    tried = office.ask("publish_form", me, key=form, dry_run=True)
    assert [one["records"] for one in tried["warnings"]] == [1, 1]
    assert office.ask("get_form", me, key=form)["version"] == 1
    stale = office.refused("publish_form", me, key=form, revision=1)
    assert (stale.status, stale.code) == (409, "stale_version")
    assert office.ask("publish_form", me, key=form)["version"] == 2
    assert office.refused("publish_form", me, key=form).code == "nothing_to_publish"

    key = {"form": form, "record_id": old["id"]}
    opened = office.ask("get_record", me, **key)
    assert (opened["form_version"], opened["fields"]) == (1, {"主题": "甲", "数": "三百"})
    assert office.listed(form, me, filter="数 > 1") == [], "what is no number is compared as nothing"
    changed = office.ask("update_record", me, **key, fields={"新": "x"})
    assert (changed["form_version"], changed["fields"]) == (2, {"主题": "甲", "数": "三百", "新": "x"})
    first = office.ask("get_form", me, key=form, version=1)
    assert [one["key"] for one in first["fields"]] == ["主题", "数", "旧"]
    versions = office.ask("list_form_versions", me, key=form)["items"]
    assert [one["version"] for one in versions] == [2, 1]

    office.ask("save_form", me, key=form, definition={**newer, "fields": first["fields"]})
    office.ask("publish_form", me, key=form)
    assert office.ask("get_record", me, **key)["fields"]["旧"] == "5", "nothing was destroyed"


def test_rights_hold_for_every_record_and_field(office: Office) -> None:
    form, me = office.publish()
    made = office.add(form, me, 主题="甲", 手机="13800138000", 金额="5.00", 内容="密")
    mine = {f"form:{form}.{action}": (Clause("own"),) for action in ACTIONS}
    other = replace(me, id="9", username="li", department="sales-2", clauses=mine)
    key = {"form": form, "record_id": made["id"]}
    assert office.listed(form, other) == []
    for method, more in (("get_record", {}), ("update_record", {"fields": {}}), ("delete_record", {})):
        assert office.refused(method, other, **key, **more).status == 404, method
    rich = Clause("expression", ("金额 > 100",))
    limited = replace(me, clauses={f"form:{form}.create": (rich,), f"form:{form}.read": (rich,)})
    assert office.refused("create_record", limited, form=form, fields={"主题": "乙"}).code == "beyond_scope"
    assert office.add(form, limited, 主题="乙", 金额="101.00")["fields"]["主题"] == "乙"
    assert office.listed(form, limited) == ["乙"]

    rights = {
        "fields.手机": FieldRight("masked", "phone"),
        "fields.内容": FieldRight("hidden"),
        "fields.金额": FieldRight("read"),
    }
    blind = replace(me, id="10", fields={f"form:{form}": rights})
    shown = office.ask("get_record", blind, **key)["fields"]
    assert (shown["手机"], shown["金额"], "内容" in shown) == ("138****8000", "5.00", False)
    for name, value in (("金额", "6.00"), ("内容", "x"), ("手机", "13800138001")):
        refused = office.refused("update_record", blind, **key, fields={name: value})
        assert (refused.status, refused.errors[0]["field"]) == (403, f"fields.{name}")
    answered = office.ask("update_record", blind, **key, fields={"主题": "丙"})
    assert "内容" not in answered["fields"]
    history = office.ask("list_record_history", blind, **key)["items"]
    assert "密" not in str(history)
    assert "13800138000" not in str(history)
    for where in ({"filter": '内容 = "密"'}, {"内容": "密"}, {"filter": "COUNT(手机) > 0"}):
        assert office.refused("list_records", blind, form=form, where=where).code == "field_not_seen"
    assert office.listed(form, blind, q="密") == []
    assert office.listed(form, blind, q="丙") == ["丙"]
    nothing = replace(me, permissions=frozenset({"forms.read"}))
    assert office.refused("list_records", nothing, form=form).status == 403


def test_views_are_saved_shared_and_removed(office: Office) -> None:
    form, me = office.publish()
    view = office.ask(
        "save_view", me, form=form, name="大额", filter="金额 > 5", columns=["主题"], shared=True
    )
    again = office.ask("save_view", me, form=form, name="大额", filter="金额 > 6", version=1)
    assert (again["id"], again["version"]) == (view["id"], 2)
    stale = office.refused("save_view", me, form=form, name="大额", version=1)
    assert stale.status == 409
    assert office.refused("save_view", me, form=form, name="x", filter="没有 > 1").status == 422
    assert office.refused("save_view", me, form=form, name="x", columns=["没有"]).status == 422
    other = replace(me, id="9", username="li", permissions=frozenset({f"form:{form}.read"}))
    assert office.refused("save_view", other, form=form, name="我", shared=True).status == 403
    office.ask("save_view", other, form=form, name="我的")
    assert [one["name"] for one in office.ask("list_views", me, form=form)["items"]] == ["大额"]
    assert office.refused("delete_view", other, form=form, view_id=view["id"]).status == 404
    assert office.ask("delete_view", me, form=form, view_id=view["id"])["deleted"] is True


def test_many_at_once_share_transactions_and_fail_alone(office: Office) -> None:
    form, me = office.publish()
    number = "11010519491231002X"

    def add(place: int) -> Any:
        asked = {"form": form, "fields": {"主题": f"第{place}", "证件号": number if place < 3 else None}}
        try:
            return office.ask("create_record", me, **asked)
        except CreditError as refusal:
            return refusal.code

    found = list(eventlet.GreenPool(40).imap(add, range(40)))
    refused = [one for one in found if isinstance(one, str)]
    assert refused == ["not_unique", "not_unique"]
    numbers = sorted(one["fields"]["编号"] for one in found if not isinstance(one, str))
    assert [int(one[-6:]) for one in numbers] == list(range(1, 39)), "numbers have no gaps"
    assert len(office.listed(form, me)) == 38


def test_formulas_over_roll_ups_are_computed_after_them_whenever_a_record_is_read(office: Office) -> None:
    lines = f"lines-{next(numbers)}"
    totals = {"form": lines, "relation": "单", "aggregate": "sum", "field": "额"}
    fields = [
        field("主题", "text"),
        field("折后", "formula", formula="合计 * 折扣", decimals=2),
        field("含税", "formula", formula="折后 + 运费"),
        field("均额", "formula", formula="合计 / 笔数", decimals=2),
        field("合计", "rollup", **totals),
        field("笔数", "rollup", form=lines, relation="单", aggregate="count"),
        field("折扣", "number"),
        field("运费", "number"),
        field("倍数", "formula", formula="运费 * 2"),
    ]
    orders, me = office.publish([field("主题", "text")])
    reader = office.person(orders)
    rights = {f"form:{form}.{action}" for form in (orders, lines) for action in ("read", "create")}
    both = replace(me, permissions=me.permissions | rights)
    office.ask("create_form", me, key=lines, definition={
        "key": lines, "title": {"zh": "行"},
        "fields": [field("单", "relation", form=orders), field("额", "money")],
    })  # fmt: skip
    office.ask("publish_form", me, key=lines)
    definition = {"key": orders, "title": {"zh": "单"}, "fields": fields}
    office.ask("save_form", me, key=orders, definition=definition)
    office.ask("publish_form", me, key=orders)
    made = office.add(orders, both, 主题="甲", 折扣="0.5", 运费="3")
    assert made["fields"] == {"主题": "甲", "折扣": "0.5", "运费": "3", "倍数": "6"}
    one = {"form": orders, "record_id": made["id"]}
    empty = office.ask("get_record", both, **one)["fields"]
    assert (empty["合计"], empty["折后"], empty["含税"]) == ("0", "0", "3")
    assert "均额" not in empty, "a division by nothing is empty"
    for amount in ("10.00", "5.50"):
        office.add(lines, both, 单=made["id"], 额=amount)
    listed = office.ask("list_records", both, form=orders, where={})["items"][0]["fields"]
    shown = [listed[key] for key in ("合计", "折后", "含税", "均额")]
    assert shown == ["15.5", "7.75", "10.75", "7.75"]
    unseen = office.ask("get_record", reader, **one)["fields"]
    assert set(unseen) == {"主题", "折扣", "运费", "倍数"}, "no roll-up is seen, nor what follows from it"
    refused = office.refused("update_record", both, **one, fields={"折后": "1"})
    assert refused.errors[0]["code"] == "computed"
    assert office.refused("list_records", both, form=orders, where={"折后": "1"}).status == 422

    def faults(*more: Any, **settings: Any) -> list[str]:
        bad = {**definition, "fields": [*fields, *more], **settings}
        refusal = office.refused("save_form", me, key=orders, definition=bad)
        return [error["field"] for error in refusal.errors]

    late = {"formula": "合计 + 1"}
    assert faults(field("x", "formula", searchable=True, **late)) == ["fields.9.searchable"]
    assert faults(field("x", "text", visible_when="折后 > 1")) == ["fields.9.visible_when"]
    assert faults(field("x", "formula", formula="含税 + y"), field("y", "formula", formula="x")) == [
        "fields.9.formula", "fields.10.formula",
    ]  # fmt: skip
    assert faults(checks=[{"when": "合计 > 1", "message": {"zh": "多"}}]) == ["checks.0.when"]
    other = {"form": orders, "relation": "上", "aggregate": "sum", "field": "折后"}
    summed = {**definition, "fields": [*fields, field("总", "rollup", **other)]}
    office.ask("save_form", me, key=orders, definition=summed)
    assert office.refused("publish_form", me, key=orders).errors[0]["field"] == "fields.9.field"
