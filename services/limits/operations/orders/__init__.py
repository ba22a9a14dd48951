"""Orders: checked and reserved as they come, changed, delivered, and taken back, by every route alike."""

from services.limits.operations.orders.changes import (
    amend_order,
    close_order,
    deliver_order,
    get_order,
    list_orders,
    move_order,
    positive_amount,
    release_hold,
    reopen_order,
    require_order,
    restage,
    take_order,
)
from services.limits.operations.orders.deliveries import return_delivery, reverse_delivery
from services.limits.operations.orders.early import foresee as foresee_early
from services.limits.operations.orders.later_states import ENDED, LATER_STATES
from services.limits.operations.orders.reserving import (
    check_order,
    foresee_orders,
    note_state,
    reserve_locked,
    reserve_order,
)

__all__ = [
    "ENDED",
    "LATER_STATES",
    "amend_order",
    "check_order",
    "close_order",
    "deliver_order",
    "foresee_early",
    "foresee_orders",
    "get_order",
    "list_orders",
    "move_order",
    "note_state",
    "positive_amount",
    "release_hold",
    "reopen_order",
    "require_order",
    "reserve_locked",
    "reserve_order",
    "restage",
    "return_delivery",
    "reverse_delivery",
    "take_order",
]
