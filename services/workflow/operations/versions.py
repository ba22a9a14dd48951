"""The flow that an instance runs on, compiled once in this process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.errors import NotFound
from services.workflow import store
from services.workflow.engine import Flow, compile_flow

_FLOWS_MAX = 512
# Published versions never change, so what was compiled of one is good for ever.
_compiled: dict[tuple[UUID, int], Flow] = {}


def flow_of(work: UnitOfWork, instance: Mapping[str, Any]) -> Flow:
    """The flow that an instance runs on, in the version on which it began."""
    key = (instance["flow_id"], instance["flow_version"])
    if key not in _compiled:
        graph = store.graph_of_version(work, *key)
        if graph is None:
            raise NotFound("流程版本不存在", code="flow_version_unknown")
        if len(_compiled) >= _FLOWS_MAX:
            _compiled.clear()
        _compiled[key] = compile_flow(graph)
    return _compiled[key]
