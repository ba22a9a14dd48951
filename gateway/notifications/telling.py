"""What notifications say: made for one reader, of what they may see at that moment.

A notification is kept as what it is about:
`{"kind": "rule", "customer_id", "action", "facts"}`, `{"kind": "task", "instance_id", "word", "task"}` or
`{"kind": "flow", "instance_id", "text", "subject"}`; one of an older release brings its text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common.caller import Caller
from services.common.field_rights import conceal
from services.common.templates import filled

_SUBJECT = "您有一条信用预警"
_WITHHELD = "****"
_NOT_SEEN = "您现在无权查看"


def of_rule(action: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """About an action of a fired rule."""
    facts = data.get("facts") or {}
    return {"kind": "rule", "customer_id": str(data["customer_id"]), "action": dict(action), "facts": facts}


def of_task(word: str, task: Mapping[str, Any]) -> dict[str, Any]:
    """About a task."""
    told = {"title": task["title"], "summary": task.get("summary")}
    return {"kind": "task", "word": word, "instance_id": task.get("instance_id"), "task": told}


def of_flow(text: str, instance: Mapping[str, Any]) -> dict[str, Any]:
    """About what a flow's node says to people."""
    subject = str(instance["subject"]["key"])
    return {"kind": "flow", "instance_id": instance["id"], "text": text, "subject": subject}


def told(
    about: Mapping[str, Any], reader: Caller, *, seen: bool, earlier: tuple[str, str] | None = None
) -> tuple[str, str]:
    """Title and body for a reader who may see the record, or may not; `earlier` are those of old."""
    kind = about["kind"]
    if not seen:
        # What its designer has a flow say is no record's.
        word = about.get("word") if kind == "task" else about.get("text")
        return _one_line(": ".join(filter(None, (word, _NOT_SEEN)))), ""
    if earlier is not None:
        return earlier
    if kind == "rule":
        return rule_texts(about["action"], about["facts"], reader)
    if kind == "flow":
        return _one_line(about["text"]), str(about["subject"])
    shown = conceal(reader, "tasks.read", about["task"])
    return f"{about['word']}: {_one_line(shown['title'])}", _summary_text(shown)


def rule_texts(action: Mapping[str, Any], facts: Mapping[str, Any], reader: Caller) -> tuple[str, str]:
    """Subject and body of a rule's action for one reader, made anew of what they may see."""
    subject, body = str(action["subject"]), str(action.get("body") or "")
    if reader.fields.get("firings"):
        known = {**facts, "item_lines": action.get("item_lines", "")}
        seen = dict.fromkeys(known, _WITHHELD) | conceal(reader, "firings.read", known)
        templates = action.get("templates") or {}
        # An event of an older release brings no templates: what its texts were made of is not known.
        subject = filled(templates.get("subject", _SUBJECT), seen)
        body = filled(templates.get("body", ""), seen)
    return _one_line(subject), body


def _one_line(text: Any) -> str:
    """A title is a mail's subject: a line break in it would be a header of its own."""
    return " ".join(str(text).split())


def _summary_text(task: Mapping[str, Any]) -> str:
    summary = task.get("summary")
    if isinstance(summary, Mapping):
        return "; ".join(f"{name}: {value}" for name, value in summary.items() if value is not None)
    return str(summary or "")
