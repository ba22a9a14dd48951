"""Applications that were filed before their department was kept get what is known of it."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import create_engine, text

from services.common.migrations import downgrade, upgrade

_APPLICATION = text(
    """
    INSERT INTO applications (id, number, type, customer_id, customer_code, customer_name, amount, currency,
        fields, initiator, department, status, submission, version, created_at, updated_at)
    VALUES (gen_random_uuid(), :number, 'credit', gen_random_uuid(), 'C', 'C', 1, 'CNY',
        '{}', :initiator, :department, 'draft', 0, 1, :at, :at)
    """
)
_RECORD = text(
    """
    INSERT INTO form_records (form, id, form_version, fields, words, department, version,
        created_at, created_by, updated_at, updated_by)
    VALUES ('visits', gen_random_uuid(), 1, '{}', '', :department, 1, :at, :initiator, :at, :initiator)
    """
)
_FILED = [
    ("mia-1", "mia", None, "2026-01-01"),
    ("mia-2", "mia", "EAST", "2026-02-01"),
    # Whoever moved on since was where they filed next.
    ("mia-3", "mia", "WEST", "2026-03-01"),
    # Without a department after having had one: it had none.
    ("mia-4", "mia", None, "2026-04-01"),
    ("rob-1", "rob", None, "2026-01-01"),
    ("zoe-1", "zoe", None, "2026-01-01"),
]


def test_the_department_of_before_is_where_its_initiator_filed_next(
    new_database: Callable[[str], str],
) -> None:
    url = new_database("application")
    downgrade("application", url, "0004")
    engine = create_engine(url)
    with engine.begin() as connection:
        names = ("number", "initiator", "department", "at")
        connection.execute(_APPLICATION, [dict(zip(names, one, strict=True)) for one in _FILED])
        connection.execute(text("CREATE TABLE visits PARTITION OF form_records FOR VALUES IN ('visits')"))
        connection.execute(_RECORD, {"initiator": "rob", "department": "HQ", "at": "2026-05-01"})
    upgrade("application", url)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT number, department FROM applications"))
        found = {row.number: row.department for row in rows}
    engine.dispose()
    assert found == {
        "mia-1": "EAST",
        "mia-2": "EAST",
        "mia-3": "WEST",
        "mia-4": None,
        "rob-1": "HQ",
        "zoe-1": None,
    }
