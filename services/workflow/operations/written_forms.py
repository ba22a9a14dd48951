"""What flows write into the records of forms: which fields a form has, and the command that writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from services.common.errors import Invalid
from services.common.expressions import ExpressionError, Fields, check, parse
from services.common.forms import FormField, read_definition, type_of
from services.workflow.engine.definition import CUSTOMER_FORM, Node, catalogue_of

# What the customer service keeps of a customer beside its form; all of them texts.
CUSTOMER_CORE = ("code", "name", "uscc", "group_id", "region", "salesperson", "department")
_RECORD = "record"


class NothingToWrite(Exception):
    """An instance is about no record of the form into which its flow writes."""


# A form as the service that keeps it answers; None for one that is not published.
Forms = Mapping[str, Mapping[str, Any] | None]
_Fault = Callable[[str, str, str], None]


def forms_written(graph: Mapping[str, Any]) -> list[str]:
    """The forms into whose records a graph writes, each once; whatever else may be wrong with the graph."""
    nodes = graph.get("nodes")
    listed = [node for node in nodes if isinstance(node, Mapping)] if isinstance(nodes, list) else []
    named = {node["form"] for node in listed if _writes(node) and isinstance(node["form"], str)}
    return sorted(named)


def require_fields(graph: Mapping[str, Any], forms: Forms) -> None:
    """`Invalid` for a node of a checked graph that writes what its form does not have, or of another type."""
    errors: list[dict[str, Any]] = []

    def fault(place: str, code: str, message: str) -> None:
        errors.append({"field": place, "code": code, "message": message})

    catalogue = catalogue_of(graph)
    for node in graph["nodes"]:
        if not _writes(node):
            continue
        definition = forms.get(node["form"])
        if definition is None:
            fault(node["key"], "form_missing", f"节点 {node['key']} 的表单 {node['form']} 不存在或没有发布")
            continue
        known = read_definition(_plain(definition), 0).by_key
        for name, text in node["values"].items():
            _check_field(node, name, text, known, catalogue, fault)
    if errors:
        said = "; ".join(error["message"] for error in errors)
        raise Invalid(f"流程有误: {said}", code="flow_invalid", errors=errors)


def command_of(
    instance: Mapping[str, Any], node: Node, values: Mapping[str, Any]
) -> tuple[str, str, dict[str, Any]]:
    """The service, the method and the input that write values into what an instance is about.

    What came out empty leaves its field as it is. `NothingToWrite` where there is no
    such record.
    """
    given = {name: value for name, value in values.items() if value is not None}
    if node["form"] == CUSTOMER_FORM:
        if instance["customer_id"] is None:
            raise NothingToWrite("该流程没有关联客户, 不能写回")
        core = {name: value for name, value in given.items() if name in CUSTOMER_CORE}
        own = {name: value for name, value in given.items() if name not in CUSTOMER_CORE}
        payload = {"customer_id": str(instance["customer_id"]), **core, **({"fields": own} if own else {})}
        return "customer", "update_customer", payload
    if instance["subject_type"] != _RECORD:
        raise NothingToWrite(f"该流程不是针对表单 {node['form']} 的记录, 不能写回")
    payload = {"form": node["form"], "record_id": instance["subject_id"], "fields": given}
    return "application", "update_record", payload


def _writes(node: Node) -> bool:
    return node.get("do") == "write_back" and node.get("form") is not None


def _plain(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The definition without what the answer adds to it."""
    return {name: definition[name] for name in ("key", "title", "fields") if name in definition}


def _check_field(
    node: Node,
    name: str,
    text: Any,
    known: Mapping[str, FormField],
    catalogue: Fields,
    fault: _Fault,
) -> None:
    key, wanted = node["key"], None
    if node["form"] == CUSTOMER_FORM and name in CUSTOMER_CORE:
        wanted = "text"
    elif name not in known:
        fault(key, "field_unknown", f"节点 {key} 写回的字段 {name[:60]} 在表单中不存在")
        return
    elif not _takes_values(known[name]):
        fault(key, "field_not_written", f"节点 {key} 写回的字段 {name[:60]} 由系统计算或只读")
        return
    else:
        wanted = type_of(known[name]).expression_type(known[name])
    try:
        check(parse(str(text)), catalogue, None if wanted == "any" else wanted)
    except ExpressionError as problem:
        fault(key, "field_type", f"节点 {key} 写回的字段 {name[:60]} 类型不符: {problem}")


def _takes_values(field: FormField) -> bool:
    kind = type_of(field)
    return kind.has_value and not kind.is_computed and not field.read_only
