"""Forms, facts and report dimensions say what an expression may read, in one way."""

from __future__ import annotations

import pytest

from services.common.expressions import Catalogue, ExpressionError, check, labels, parse
from services.common.forms import FormField
from services.common.forms.formulas import catalogue_of
from services.reporting import semantics
from services.risk_rules.rules import TRIGGERS

FORM = catalogue_of(
    (
        FormField(
            "年销售额", {"zh": "年销售额", "en": "annual sales"}, "money", settings={"currency": "USD"}
        ),
        FormField("成立日期", {"zh": "成立日期"}, "date"),
        FormField("行业", {"zh": "行业"}, "select"),
    )
)


@pytest.mark.parametrize(
    ("catalogue", "text"),
    [
        (FORM, 'AND(年销售额 * 10% > 500000, YEAR(成立日期) < 2020, 行业 = "制造")'),
        (TRIGGERS["order_check"], "AND(amount > 3 * average_order_90d, not frozen)"),
        (TRIGGERS["overdue"], "max_days_overdue > 30"),
        (semantics.catalogue(), 'AND(region = "华东", overdue_rate > 20%)'),
    ],
)
def test_conditions_over_forms_facts_and_reports_are_checked_alike(catalogue: Catalogue, text: str) -> None:
    assert check(parse(text), catalogue, "bool").type == "bool"
    with pytest.raises(ExpressionError):
        check(parse(f"{text} and nobody_knows > 1"), catalogue, "bool")


def test_every_field_has_a_label_for_people() -> None:
    for catalogue in (FORM, semantics.catalogue(), *TRIGGERS.values()):
        assert set(labels(catalogue)) == set(catalogue.fields)
    assert FORM.fields["年销售额"].unit == "USD"
    assert labels(TRIGGERS["overdue"], "en")["max_days_overdue"] == "days overdue"
