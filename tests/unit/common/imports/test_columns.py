"""What columns mean: proposed from headings, checked by name, and nothing given up by itself."""

from __future__ import annotations

from typing import Any

import pytest

from services.common.caller import Caller, FieldRight
from services.common.errors import CreditError
from services.common.imports import columns
from services.common.imports.columns import COMPUTED, NOT_WRITABLE, Column

KNOWN = [
    Column("name", "名称", required=True),
    Column("fields.金额", "金额", "money", names=("amount",)),
    Column("fields.税后", "税后", refused=COMPUTED),
    Column("fields.等级", "等级", refused=NOT_WRITABLE),
]


def test_headings_are_found_by_label_path_and_name_and_an_asterisk_does_not_matter() -> None:
    headings = ["名称*", "Amount", "税后", "等级", "别的"]
    assert columns.propose(headings, KNOWN) == {"名称*": "name", "Amount": "fields.金额", "税后": None}
    assert columns.propose(["金额", "amount"], KNOWN) == {"金额": "fields.金额"}


def test_what_is_open_is_told_and_keeps_an_import_from_starting() -> None:
    headings = ["名称", "等级", "别的"]
    mapping = columns.propose(headings, KNOWN)
    lines = columns.described(headings, mapping, KNOWN, [["甲", "A", ""]])
    assert [one["problem"] and one["problem"]["code"] for one in lines] == [
        None,
        "field_not_writable",
        "column_unknown",
    ]
    assert lines[0]["samples"] == ["甲"]
    with pytest.raises(CreditError) as caught:
        columns.require_settled(mapping, headings, KNOWN)
    assert (caught.value.status, caught.value.errors[0]["field"]) == (403, "fields.等级")
    with pytest.raises(CreditError) as caught:
        columns.require_settled({**mapping, "等级": None}, headings, KNOWN)
    assert [(one["field"], one["code"]) for one in caught.value.errors] == [("别的", "column_unknown")]
    columns.require_settled({**mapping, "等级": None, "别的": None}, headings, KNOWN)


@pytest.mark.parametrize(
    ("mapping", "status", "code"),
    [
        ({"名称": "nothing"}, 422, "unknown_field"),
        ({"没有": "name"}, 422, "heading_unknown"),
        ({"名称": "fields.税后"}, 422, "computed"),
        ({"名称": "name", "别的": "name"}, 422, "column_twice"),
        ({"别的": "fields.等级"}, 403, "field_not_writable"),
    ],
)
def test_a_mapping_is_refused_by_name(mapping: dict[str, Any], status: int, code: str) -> None:
    with pytest.raises(CreditError) as caught:
        columns.check_mapping(mapping, ["名称", "别的"], KNOWN)
    assert (caught.value.status, caught.value.errors[0]["code"]) == (status, code)


def test_field_rights_say_what_may_be_filled_in() -> None:
    rules = {"fields.金额": FieldRight("read"), "contacts.phone": FieldRight("masked", "phone")}
    caller = Caller("user", "1", "lea", fields={"customers": rules})
    may = {
        path: columns.may_write(caller, "customers.import", path)
        for path in ("fields.金额", "fields.别的", "contacts.phone", "contacts.name", "name")
    }
    assert may == {
        "fields.金额": False,
        "fields.别的": True,
        "contacts.phone": False,
        "contacts.name": True,
        "name": True,
    }
