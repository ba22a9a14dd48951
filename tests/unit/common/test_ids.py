"""Identifiers."""

from uuid import UUID

from services.common.ids import new_id


def test_a_new_id_is_a_standard_uuid_of_version_7() -> None:
    identifier = new_id()
    assert type(identifier) is UUID
    assert identifier.version == 7


def test_ids_made_later_sort_later_and_none_comes_twice() -> None:
    made = [new_id() for _ in range(10_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
