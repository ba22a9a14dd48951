"""Making the sample company in the background, and asking for its removal."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from gateway.audit.trail import trail
from gateway.identity import events
from gateway.identity import store as identity
from gateway.identity.roles import tell_role
from gateway.sample_data import store
from gateway.sample_data.maker import CannotMake, Maker
from gateway.sample_data.store import FAILED, MADE, MAKING, REMOVING
from services.common.caller import service_caller
from services.common.config import GATEWAY
from services.common.db import Database, UnitOfWork
from services.common.duties import DEFAULTS
from services.common.errors import Conflict

_log = logging.getLogger(__name__)
# Each of its days is told; one takes seconds, also on a busy machine.
_SILENT_MAX = timedelta(minutes=3)
_BROKEN_OFF = "生成已中断 (系统重启或停止); 请移除后重新生成"


def status(work: UnitOfWork, maker: Maker | None) -> dict[str, Any]:
    """How the sample stands (none, making, made, failed, removing), and what can be done about it."""
    row = store.find(work)
    found = {"state": "none", "done": 0, "whole": 0, "problem": None, "made_by": None, "updated_at": None}
    if row is not None:
        found |= {name: row[name] for name in found}
        if row["state"] == MAKING and work.now - row["updated_at"] > _SILENT_MAX:
            found |= {"state": FAILED, "problem": _BROKEN_OFF}
    return {
        **found,
        "can_make": maker is not None and row is None,
        "can_remove": maker is not None and maker.can_remove and found["state"] in (MADE, FAILED),
        "people": [] if row is None else row["contents"].get("people", []),
    }


def begin(work: UnitOfWork, maker: Maker) -> dict[str, Any]:
    """Note that it is being made; 409 where it is there already, or being made."""
    if not store.begin(work, maker.contents):
        raise Conflict("示例数据已经生成或正在生成", code="sample_data_there")
    trail(work).add("sample_data.make", "sample_data")
    return status(work, maker)


def run(database: Database, maker: Maker, token: str, password: str) -> None:
    """Make it to its end, noting every step; what goes wrong is told where people look."""

    def note(**values: Any) -> None:
        with database.begin(service_caller(GATEWAY)) as work:
            store.change(work, **values)

    try:
        maker.make(token, password, lambda done, whole: note(done=done, whole=whole))
    except CannotMake as problem:
        _log.warning("the sample company was not made: %s", problem)
        note(state=FAILED, problem=str(problem)[:500])
    except Exception:
        note(state=FAILED, problem=_BROKEN_OFF)
        raise
    else:
        note(state=MADE)


def ask_for_removal(
    work: UnitOfWork, maker: Maker, own_customers: Callable[[set[str]], int]
) -> dict[str, Any]:
    """Note that it is to be removed; 409 where there is none, or customers that are not of the sample.

    `own_customers` counts the customers whose codes are not among these.
    """
    row = store.find(work, lock=True)
    if row is None:
        raise Conflict("没有示例数据", code="sample_data_missing")
    if not maker.can_remove:
        raise Conflict(
            "此安装由多个进程组成, 不能在线移除: 请停止服务后运行 credit demo --remove",
            code="sample_data_stays",
        )
    if not status(work, maker)["can_remove"]:
        raise Conflict("示例数据正在生成或移除, 请稍候", code="sample_data_busy")
    own = own_customers(set(row["contents"].get("customers", ())))
    if own:
        raise Conflict(
            f"已有 {own} 个您自己的客户: 账本不可删改, 有真实数据后示例不能再移除",
            code="sample_data_mixed",
            customers=own,
        )
    store.change(work, state=REMOVING)
    trail(work).add("sample_data.remove", "sample_data")
    return status(work, maker)


def contents_of(row: Mapping[str, Any]) -> dict[str, list[str]]:
    """What belongs to the sample of a row."""
    return {name: list(row["contents"].get(name, ())) for name in ("people", "departments", "customers")}


def forget(work: UnitOfWork) -> None:
    """Take the sample out of the gateway's data, the other databases being empty, and tell others anew.

    What others know of identity they knew from a log that is gone.
    """
    row = store.find(work, lock=True)
    if row is None:
        return
    store.prune(work, contents_of(row))
    store.forget(work)
    for role in identity.all_roles(work).values():
        tell_role(work, role)
    for department in store.every_department(work):
        events.department_changed(work, department)
    for user in store.everybody(work):
        events.user_changed(work, user)
    events.duties_changed(work, DEFAULTS | identity.allowed_duties(work))
