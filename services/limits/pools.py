"""Credit pools: whatever carries a limit, and which of them a document's exposure belongs to. Pure."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

CUSTOMER = "customer"
GROUP = "group"
SALESPERSON = "salesperson"
DEPARTMENT = "department"
SHARED_KINDS = (GROUP, SALESPERSON, DEPARTMENT)
# The segment of what counts whichever company sells.
OVERALL = ""
_TITLES = {CUSTOMER: "客户", GROUP: "集团", SALESPERSON: "销售员", DEPARTMENT: "部门"}
_DEPTH_MAX = 100


class PoolKey(NamedTuple):
    """Names a pool: its kind, whose it is (an id, a user name, a code), and the segment, if not overall."""

    kind: str
    key: str
    segment: str = OVERALL

    @property
    def is_shared(self) -> bool:
        """Whether several customers draw on it."""
        return self.kind in SHARED_KINDS

    @property
    def name(self) -> str:
        """How a reason names it: `customer`, `customer@C1`, `department:S`, `group:…@C1`."""
        whose = self.kind if self.kind == CUSTOMER else f"{self.kind}:{self.key}"
        return f"{whose}@{self.segment}" if self.segment else whose


def title_of(pool: PoolKey, label: str | None = None) -> str:
    """How a business person calls a pool; `label` is the name of whose it is."""
    whose = _TITLES[pool.kind] + (f"「{label or pool.key}」" if pool.is_shared else "")
    return f"{whose}在「{pool.segment}」的" if pool.segment else whose


def segment_of(document: Mapping[str, Any]) -> str:
    """The segment whose exposure a document is: that of its order, else the company that it names."""
    segment: str = document["segment"] if "segment" in document else document.get("company") or OVERALL
    return segment


def segment_within(order: Mapping[str, Any] | None, company: str) -> str:
    """The segment of a document of a company that belongs to an order, or to none.

    What an order binds stays in the segment in which it was checked, whatever follows from it.
    """
    return (order["company"] if order is not None else OVERALL) or company


@dataclass(frozen=True)
class Owner:
    """Whose exposure a document makes: its customer, and who stands behind that; trees from the nearest."""

    customer: str
    groups: tuple[str, ...] = ()
    salesperson: str | None = None
    departments: tuple[str, ...] = ()


def touched(owner: Owner, segment: str, controlled: Container[PoolKey]) -> list[PoolKey]:
    """The pools that hold a document's exposure: the customer's own, and of all others those that control.

    The customer's overall pool always keeps a balance, whether or not a limit stands on it.
    """
    carriers = [(CUSTOMER, owner.customer)]
    carriers += [(GROUP, group) for group in owner.groups]
    if owner.salesperson:
        carriers.append((SALESPERSON, owner.salesperson))
    carriers += [(DEPARTMENT, department) for department in owner.departments]
    segments = (OVERALL, segment) if segment else (OVERALL,)
    own = PoolKey(CUSTOMER, owner.customer)
    found = [PoolKey(kind, key, each) for kind, key in carriers for each in segments]
    return [pool for pool in found if pool == own or pool in controlled]


def judged(pools: Sequence[PoolKey], limited: Container[PoolKey]) -> list[PoolKey]:
    """Of the pools that a document touches, those whose limit it must keep.

    A customer with a limit for the segment alone has no overall one to keep; without either, the overall
    pool says that there is no credit. `limited` holds the customer's pools that ever had a grant.
    """
    own = [pool for pool in pools if pool.kind == CUSTOMER]
    kept = [pool for pool in own if pool in limited] or [pool for pool in own if pool.segment == OVERALL]
    return kept + [pool for pool in pools if pool.kind != CUSTOMER]


def ancestors(key: str | None, parents: Mapping[str, str | None]) -> tuple[str, ...]:
    """A group or a department and all above it, the nearest first.

    A circle, which nobody should make, is walked once.
    """
    found: list[str] = []
    while key is not None and key not in found and len(found) < _DEPTH_MAX:
        found.append(key)
        key = parents.get(key)
    return tuple(found)
