"""Border fields: strict in what they take, Chinese in what they answer."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import marshmallow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common import fields
from services.common.errors import Invalid, MalformedRequest


class Payment(fields.StrictSchema):
    amount = fields.AmountField(required=True)
    currency = fields.CurrencyField(load_default="CNY")
    paid_at = fields.DateField(required=True)
    remark = fields.TextField(max_length=5, allow_none=True)


class Contact(fields.StrictSchema):
    name = fields.TextField(required=True)


class People(fields.StrictSchema):
    contacts = marshmallow.fields.List(marshmallow.fields.Nested(Contact), required=True)


def refusals(schema: marshmallow.Schema, received: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        fields.load(schema, received)
    return {error["field"]: error["code"] for error in refused.value.errors}


def test_a_good_shape_is_loaded_into_values() -> None:
    loaded = fields.load(Payment(), {"amount": "12.50", "paid_at": "2028-02-29", "remark": "  好 "})
    assert loaded == {
        "amount": Decimal("12.50"),
        "currency": "CNY",
        "paid_at": date(2028, 2, 29),
        "remark": "好",
    }


def test_every_fault_is_named_with_its_field_code_and_chinese_message() -> None:
    with pytest.raises(Invalid) as refused:
        fields.load(Payment(), {"amount": "1.005", "colour": "red", "remark": "六个字的备注"})
    assert {(error["field"], error["code"]) for error in refused.value.errors} == {
        ("amount", "amount_too_precise"),
        ("paid_at", "required"),
        ("colour", "unknown_field"),
        ("remark", "too_long"),
    }
    assert all(
        any("\u4e00" <= sign <= "\u9fff" for sign in error["message"]) for error in refused.value.errors
    )


def test_faults_inside_lists_are_named_by_their_path() -> None:
    received = {"contacts": [{"name": "张三"}, {"name": ""}, {"phone": "1"}, 5]}
    assert refusals(People(), received) == {
        "contacts.1.name": "blank",
        "contacts.2.name": "required",
        "contacts.2.phone": "unknown_field",
        "contacts.3": "not_an_object",
    }
    assert refusals(People(), {"contacts": "x"}) == {"contacts": "not_a_list"}
    assert refusals(People(), {"contacts": None}) == {"contacts": "null"}


@pytest.mark.parametrize("received", [None, [], "x", 1])
def test_what_is_no_object_is_malformed(received: object) -> None:
    with pytest.raises(MalformedRequest):
        fields.load(Payment(), received)


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        ("0", "CNY", "amount_not_positive"),
        ("-1.00", "CNY", "amount_not_positive"),
        ("1.5", "JPY", "amount_too_precise"),
        (1.5, "CNY", "amount_not_text"),
        (1, "CNY", "amount_not_text"),
        ("1e3", "CNY", "amount_malformed"),
        ("1", "ABC", "currency_needed"),
        ("1", 5, "currency_needed"),
    ],
)
def test_an_amount_obeys_the_currency_beside_it(amount: object, currency: object, code: str) -> None:
    received = {"amount": amount, "currency": currency, "paid_at": "2026-01-01"}
    assert refusals(Payment(), received)["amount"] == code


def test_an_amount_is_written_with_its_currencys_decimals() -> None:
    assert Payment().dump({"amount": Decimal("5.0000"), "currency": "CNY"})["amount"] == "5.00"
    assert Payment().dump({"amount": Decimal("5.0000"), "currency": "JPY"})["amount"] == "5"


@pytest.mark.parametrize(
    "text",
    ["2026-02-29", "2026-13-01", "26-01-01", "2026-1-1", "20260101", "2026-W01-1", "2026-01-01T00:00:00",
     "２０２６-01-01", "0001-01-01", "", 20260101, None],
)  # fmt: skip
def test_a_date_that_is_not_plain_or_does_not_exist_is_refused(text: object) -> None:
    assert "paid_at" in refusals(Payment(), {"amount": "1", "paid_at": text})


def test_an_instant_needs_its_offset_and_is_loaded_as_utc() -> None:
    field = fields.InstantField()
    assert field.deserialize("2026-03-01T08:00:00+08:00") == datetime(2026, 3, 1, tzinfo=UTC)
    assert field.deserialize("2026-03-01t08:00:00.25z") == datetime(2026, 3, 1, 8, 0, 0, 250_000, tzinfo=UTC)
    for text in ("2026-03-01T08:00:00", "2026-03-01", "2026-03-01T25:00:00Z", "2026-03-01T08:00:60Z", 5,
                 "2999-12-31T23:59:59-12:00"):  # fmt: skip
        with pytest.raises(marshmallow.ValidationError):
            field.deserialize(text)


OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(1900, 1, 2), datetime(2999, 12, 30), timezones=OFFSETS))  # noqa: DTZ001
def test_every_instant_survives_writing_and_reading(moment: datetime) -> None:
    assert fields.InstantField().deserialize(moment.isoformat()) == moment


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800", "a\x07", "a\nb", "", "   ", None, 5, ["a"], "x" * 201])
def test_text_that_is_not_clean_is_refused(text: object) -> None:
    with pytest.raises(marshmallow.ValidationError):
        fields.TextField().deserialize(text)


def test_several_lines_are_kept_where_they_are_allowed() -> None:
    assert fields.TextField(multiline=True).deserialize("a\nb\tc") == "a\nb\tc"


@given(st.text())
def test_text_that_is_accepted_can_be_stored(text: str) -> None:
    try:
        accepted = fields.TextField(max_length=10_000, multiline=True).deserialize(text)
    except marshmallow.ValidationError:
        return
    assert "\x00" not in accepted.encode().decode()


@pytest.mark.parametrize("value", [True, 1.0, "1_0", "٣", " 1", "1.0", "", None, "1e3", 10**19])
def test_what_is_no_plain_whole_number_is_refused(value: object) -> None:
    with pytest.raises(marshmallow.ValidationError):
        fields.IntegerField().deserialize(value)


def test_a_whole_number_may_come_as_text_and_obeys_its_bounds() -> None:
    field = fields.IntegerField(minimum=1, maximum=200)
    assert field.deserialize("50") == 50
    for value in (0, 201):
        with pytest.raises(marshmallow.ValidationError):
            field.deserialize(value)


@pytest.mark.parametrize("value", [True, "1e5", float("nan"), "NaN", "1_0", "٣", None, "x"])
def test_what_is_no_plain_number_is_refused(value: object) -> None:
    with pytest.raises(marshmallow.ValidationError):
        fields.NumberField().deserialize(value)


def test_a_number_stays_exact() -> None:
    assert fields.NumberField().deserialize("0.10") == Decimal("0.10")
    assert fields.NumberField().deserialize(Decimal("0.1")) == Decimal("0.1")


@pytest.mark.parametrize("value", [1, 0, "yes", "on", "True", None])
def test_a_flag_is_only_true_or_false(value: object) -> None:
    with pytest.raises(marshmallow.ValidationError):
        fields.FlagField().deserialize(value)


@pytest.mark.parametrize(
    "value", ["", "1", "{00000000-0000-0000-0000-000000000001}", "0" * 32, 1, b"0" * 16, "urn:uuid:x"]
)
def test_an_id_is_only_accepted_in_its_usual_form(value: object) -> None:
    with pytest.raises(marshmallow.ValidationError):
        fields.IdField().deserialize(value)
    assert fields.IdField().deserialize(str(UUID(int=1))) == UUID(int=1)


def test_a_credit_code_is_checked_and_put_in_capitals() -> None:
    assert fields.UsccField().deserialize("91350100m000100y43") == "91350100M000100Y43"
    with pytest.raises(marshmallow.ValidationError):
        fields.UsccField().deserialize("91350100M000100Y44")


def test_the_messages_of_marshmallows_own_validators_are_chinese() -> None:
    with pytest.raises(marshmallow.ValidationError, match="应为以下之一: a, b"):
        marshmallow.validate.OneOf(["a", "b"])("c")
    with pytest.raises(marshmallow.ValidationError, match="应在 1 与 2 之间"):
        marshmallow.validate.Range(1, 2)(3)
    with pytest.raises(marshmallow.ValidationError, match="最多 1 项"):
        marshmallow.validate.Length(max=1)("ab")
