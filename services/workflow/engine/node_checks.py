"""The check of single nodes: who acts, how they decide, what happens in time, what an action does. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from services.common.decision_tables import check_table
from services.common.expressions import ExpressionError, Fields, check, parse
from services.workflow.engine.branches import Fault
from services.workflow.engine.definition import (
    ACTION_KINDS,
    APPLICATION_FORM,
    APPROVER_KINDS,
    DEADLINE_ENDS,
    EMPTY,
    FIELD_ACCESS,
    MODES,
    OPINIONS,
    OWN,
    PERSON_ACTIONS,
    SAME,
    Node,
)

# What a `command` may ask of other services: each is idempotent by key and undone by another of them.
# Records of forms are changed by `write_back`.
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "limits": (
        *("grant_credit", "grant_override", "freeze_account", "unfreeze_account"),
        *("accept_guarantee", "record_write_off"),
    ),
    "customer": ("update_customer",),
}
LEVELS_MAX = 20
HOURS_MAX = Decimal(10_000)
REMINDERS_MAX = 10
_NEED_VALUE = ("user", "role", "field", "expression")


def check_settings(settings: Any, fault: Fault) -> None:
    """What holds for all nodes of a flow unless they say otherwise."""
    if settings is None:
        return
    if not isinstance(settings, Mapping):
        fault("settings", "settings", "settings 应为对象")
        return
    for name, allowed in (
        ("empty", EMPTY),
        ("own", OWN),
        ("same_approver", SAME),
        ("gone", ("admin", "user")),
    ):
        _one_of("settings", settings, name, allowed, fault)
    for name, needed in (("empty", "empty_user"), ("gone", "gone_user")):
        if settings.get(name) == "user" and not isinstance(settings.get(needed), str):
            fault("settings", needed, f"settings.{needed} 应为用户名")
    _one_of("settings", settings, "withdraw", ("untouched", "always", "never"), fault)


def check_node(node: Node, catalogue: Fields, fault: Fault) -> dict[str, Any]:
    """A node with its expressions parsed; its mistakes go to `fault`."""
    made = {name: value for name, value in node.items() if name != "trees"}
    check_kind = _CHECKS.get(str(node.get("type")))
    if check_kind is not None:
        check_kind(made, catalogue, fault)
    return made


# --- people ----------------------------------------------------------------------------------------------


def _check_person(node: dict[str, Any], catalogue: Fields, fault: Fault) -> None:
    key = str(node["key"])
    node["approvers"] = _approvers(key, node.get("approvers"), catalogue, fault)
    _one_of(key, node, "mode", MODES, fault)
    _one_of(key, node, "empty", EMPTY, fault)
    _one_of(key, node, "own", OWN, fault)
    _one_of(key, node, "same_approver", SAME, fault)
    _one_of(key, node, "opinion", OPINIONS, fault)
    if node.get("empty") == "user" and not isinstance(node.get("empty_user"), str):
        fault(key, "empty_user", f"节点 {key} 没有指定审批人为空时由谁处理")
    ratio = node.get("ratio")
    if node.get("mode") == "ratio" and not (isinstance(ratio, int) and 1 <= ratio <= 100):
        fault(key, "ratio", f"节点 {key} 的比例应为 1 到 100 的整数")
    for name in ("veto", "signature", "authority"):
        if node.get(name) not in (None, True, False):
            fault(key, name, f"节点 {key} 的 {name} 应为 true 或 false")
    _check_rights(key, node, fault)
    if node.get("deadline") is not None:
        _check_deadline(key, node["deadline"], catalogue, fault)


def _check_rights(key: str, node: Node, fault: Fault) -> None:
    fields, allowed, names = node.get("fields"), node.get("actions"), node.get("buttons")
    if fields is not None and not (
        isinstance(fields, Mapping) and all(access in FIELD_ACCESS for access in fields.values())
    ):
        fault(key, "fields", f"节点 {key} 的字段权限应为 {', '.join(FIELD_ACCESS)}")
    if allowed is not None and not (
        isinstance(allowed, list) and all(one in PERSON_ACTIONS for one in allowed)
    ):
        fault(key, "actions", f"节点 {key} 的操作应为 {', '.join(PERSON_ACTIONS)}")
    if names is not None and not (
        isinstance(names, Mapping)
        and all(one in PERSON_ACTIONS and isinstance(text, str) for one, text in names.items())
    ):
        fault(key, "buttons", f"节点 {key} 的按钮名称应为操作到文字的对象")


def _approvers(key: str, approvers: Any, catalogue: Fields, fault: Fault) -> list[Any]:
    if not isinstance(approvers, list) or not approvers:
        fault(key, "no_approver", f"节点 {key} 没有审批人")
        return []
    return [_approver(key, one, catalogue, fault) for one in approvers]


def _approver(key: str, approver: Any, catalogue: Fields, fault: Fault) -> Any:
    kind = approver.get("kind") if isinstance(approver, Mapping) else None
    if not isinstance(kind, str) or kind not in APPROVER_KINDS:
        fault(key, "approver_kind", f"节点 {key} 的审批人类型未知: {str(kind)[:40]}")
        return approver
    value = approver.get("value")
    if kind in _NEED_VALUE and not (isinstance(value, str) and value):
        fault(key, "approver_value", f"节点 {key} 的审批人没有指定")
        return approver
    if kind in ("manager", "managers_up_to") and not _is_level(approver.get("level", 1)):
        fault(key, "approver_level", f"节点 {key} 的上级层级应为 1 到 {LEVELS_MAX} 的整数")
    fields = [value] if kind == "field" else [approver["of"]] if approver.get("of") else []
    for name in fields:
        if name not in catalogue.fields:
            fault(key, "approver_field", f"节点 {key} 的审批人字段 {str(name)[:60]} 不存在")
    if kind != "expression":
        return approver
    return {**approver, "tree": _tree(key, value, catalogue, fault, "approver_expression")}


def _is_level(level: Any) -> bool:
    return isinstance(level, int) and not isinstance(level, bool) and 1 <= level <= LEVELS_MAX


def _tree(key: str, text: Any, catalogue: Fields, fault: Fault, code: str) -> Any:
    try:
        return check(parse(str(text)), catalogue).tree
    except ExpressionError as problem:
        fault(key, code, f"节点 {key} 的表达式有误: {problem}")
        return None


# --- time ------------------------------------------------------------------------------------------------


def _check_deadline(key: str, deadline: Any, catalogue: Fields, fault: Fault) -> None:
    if not isinstance(deadline, Mapping):
        fault(key, "deadline", f"节点 {key} 的时限应为对象")
        return
    _check_time(key, deadline, catalogue, fault)
    _one_of(key, deadline, "then", DEADLINE_ENDS, fault)
    if deadline.get("then") == "transfer" and not isinstance(deadline.get("to"), str):
        fault(key, "deadline_to", f"节点 {key} 超时后转交给谁没有指定")
    reminders = deadline.get("remind", [])
    sound = isinstance(reminders, list) and len(reminders) <= REMINDERS_MAX
    if not sound or not all(_is_hours(hours) for hours in reminders):
        fault(key, "deadline_remind", f"节点 {key} 的提醒应为到期前的小时数, 最多 {REMINDERS_MAX} 个")


def _check_time(key: str, time: Mapping[str, Any], catalogue: Fields, fault: Fault) -> None:
    hours, name = time.get("hours"), time.get("field")
    if (hours is None) == (name is None):
        fault(key, "time", f"节点 {key} 的时间应给出 hours 或 field 之一")
    elif hours is not None and not _is_hours(hours):
        fault(key, "time_hours", f"节点 {key} 的小时数应在 0 到 {HOURS_MAX} 之间")
    elif name is not None:
        known = catalogue.fields.get(str(name))
        if known is None or known.type.kind not in ("date", "datetime"):
            fault(key, "time_field", f"节点 {key} 的时间字段 {str(name)[:60]} 不是日期")


def _is_hours(hours: Any) -> bool:
    if isinstance(hours, bool) or not isinstance(hours, (int, str, Decimal)):
        return False
    try:
        return Decimal(0) < Decimal(hours) <= HOURS_MAX
    except ArithmeticError:
        return False


def _check_delay(node: dict[str, Any], catalogue: Fields, fault: Fault) -> None:
    _check_time(str(node["key"]), node, catalogue, fault)


# --- what happens by itself ------------------------------------------------------------------------------


def _check_cc(node: dict[str, Any], catalogue: Fields, fault: Fault) -> None:
    node["to"] = _approvers(str(node["key"]), node.get("to"), catalogue, fault)


def _check_subflow(node: dict[str, Any], catalogue: Fields, fault: Fault) -> None:
    if not isinstance(node.get("flow"), str) or not node["flow"]:
        fault(str(node["key"]), "subflow", f"节点 {node['key']} 没有指定子流程")


def _check_action(node: dict[str, Any], catalogue: Fields, fault: Fault) -> None:
    key, kind = str(node["key"]), node.get("do")
    if not isinstance(kind, str) or kind not in ACTION_KINDS:
        fault(key, "action", f"节点 {key} 的动作未知: {str(kind)[:40]}")
        return
    _ACTION_CHECKS[kind](node, catalogue, fault)


def _check_values(node: dict[str, Any], catalogue: Fields, fault: Fault) -> None:
    key, values = str(node["key"]), node.get("values")
    if not isinstance(values, Mapping):
        fault(key, "values", f"节点 {key} 的 values 应为字段到表达式的对象")
        return
    node["trees"] = {
        str(name): _tree(key, text, catalogue, fault, "value_expression") for name, text in values.items()
    }


def _check_write_back(node: dict[str, Any], catalogue: Fields, fault: Fault) -> None:
    """Whether the form has the fields is known to those who keep it, see `operations.written_forms`."""
    form, key = node.get("form"), str(node["key"])
    if form is not None and not (isinstance(form, str) and form and form != APPLICATION_FORM):
        fault(key, "form", f"节点 {key} 不能写回表单 {str(form)[:60]}")
    _check_values(node, catalogue, fault)


def _check_command(node: dict[str, Any], catalogue: Fields, fault: Fault) -> None:
    service, method = node.get("service"), node.get("method")
    if not isinstance(service, str) or method not in COMMANDS.get(service, ()):
        fault(str(node["key"]), "command", f"节点 {node['key']} 的命令不在允许的列表中")
    _check_values(node, catalogue, fault)


def _check_webhook(node: dict[str, Any], catalogue: Fields, fault: Fault) -> None:
    url = node.get("url")
    if not isinstance(url, str) or not url.startswith(("https://", "http://")) or len(url) > 2_000:
        fault(str(node["key"]), "url", f"节点 {node['key']} 的地址应以 https:// 或 http:// 开头")
    if node.get("values") is not None:
        _check_values(node, catalogue, fault)


def _check_message(node: dict[str, Any], catalogue: Fields, fault: Fault) -> None:
    key = str(node["key"])
    node["to"] = _approvers(key, node.get("to"), catalogue, fault)
    if not isinstance(node.get("text"), str) or not node["text"]:
        fault(key, "text", f"节点 {key} 没有内容")


def _check_table_action(node: dict[str, Any], catalogue: Fields, fault: Fault) -> None:
    try:
        check_table(node.get("table"), catalogue)
    except ExpressionError as problem:
        fault(str(node["key"]), "table", f"节点 {node['key']} 的决策表有误: {problem}")


def _one_of(key: str, holder: Mapping[str, Any], name: str, allowed: Sequence[str], fault: Fault) -> None:
    if holder.get(name) is not None and holder[name] not in allowed:
        fault(key, name, f"{key} 的 {name} 应为 {', '.join(allowed)}")


Check = Callable[[dict[str, Any], Fields, Fault], None]
_CHECKS: Mapping[str, Check] = {
    "approval": _check_person,
    "handling": _check_person,
    "delay": _check_delay,
    "cc": _check_cc,
    "subflow": _check_subflow,
    "action": _check_action,
}
_ACTION_CHECKS: Mapping[str, Check] = {
    "write_back": _check_write_back,
    "command": _check_command,
    "webhook": _check_webhook,
    "notify": _check_message,
    "todo": _check_message,
    "decision_table": _check_table_action,
}
