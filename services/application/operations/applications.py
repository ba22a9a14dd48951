"""What can be done with applications."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.application import events, model, store
from services.application.applications import EDITABLE, STEPS, next_status, require_creditworthy
from services.application.rights import APPLICATIONS, FORM
from services.common.db import UnitOfWork
from services.common.errors import Conflict, NotFound, beyond_scope, invalid_field, unknown_filter
from services.common.forms import Form, Surroundings, designing, files, load_values, people
from services.common.forms import store as form_store
from services.common.ids import new_id
from services.common.paging import page
from services.common.scopes import my_values, require_visible, world_of

_FILTERS = ("status", "type", "initiator", "number", "currency")
_FLOW_STEPS = frozenset(STEPS) - {"submit", "withdraw"}


def create_application(
    work: UnitOfWork, received: Mapping[str, Any], customer: Mapping[str, Any]
) -> dict[str, Any]:
    """File an application as a draft, with the customer's name as it stands now."""
    require_creditworthy(customer)
    if received["type"] != "credit":
        raise invalid_field("type", "application_type", "目前支持的申请类型是 credit")
    number = store.next_number(work)
    application = {
        "id": new_id(),
        "number": f"SX-{work.local_date.year}-{number:06d}",
        "type": received["type"],
        "customer_id": UUID(str(customer["id"])),
        "customer_code": customer["code"],
        "customer_name": customer["name"],
        **_asked(received),
        "fields": _values(work, received, None),
        "initiator": work.caller.actor,
        "department": work.caller.department,
        "status": "draft",
        "approved": None,
        "instance_id": None,
        "submission": 0,
        "problem": None,
        "version": 1,
        "created_at": work.now,
        "updated_at": work.now,
    }
    require_visible(work, store.OWNED, application, beyond_scope(work.right))
    store.add(work, application)
    store.add_history(work, application, "create", {})
    _hold_files(work, application)
    events.told(work, "application_created", application)
    return events.view(application)


def change_application(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Change a draft or a returned application; only whoever filed it may."""
    application = _mine(work, received)
    if application["status"] not in EDITABLE:
        raise Conflict("只有草稿或被退回的申请可以修改", code="wrong_state", state=application["status"])
    fields = _values(work, received, application)
    values = {**_asked(received), "fields": fields}
    answer = _change(work, application, "change", values, "application_changed")
    _hold_files(work, application)
    return answer


def submit_application(
    work: UnitOfWork, received: Mapping[str, Any], customer: Mapping[str, Any]
) -> dict[str, Any]:
    """Hand an application to its approvers; the flow starts from the event."""
    application = _mine(work, received)
    require_creditworthy(customer)
    status = next_status(application["status"], "submit")
    values = {"status": status, "submission": application["submission"] + 1, "approved": None}
    return _change(work, application, "submit", values, "application_submitted")


def withdraw_application(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Take an application back before it was decided."""
    application = _mine(work, received)
    values = {"status": next_status(application["status"], "withdraw")}
    return _change(work, application, "withdraw", values, "application_withdrawn")


def take_step(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """A step of the flow: return, reject, grant, take_effect or fail; the same step again changes nothing."""
    if received["step"] not in _FLOW_STEPS:
        raise invalid_field("step", "step_unknown", "未知的步骤")
    application = _require(work, received["application_id"])
    if application["status"] == STEPS[received["step"]][1]:
        return events.view(application)
    values = {"status": next_status(application["status"], received["step"])}
    for name in ("instance_id", "approved", "problem"):
        if received[name] is not None:
            values[name] = received[name]
    return _change(work, application, received["step"], values, "application_changed")


def get_application(work: UnitOfWork, key: str) -> dict[str, Any]:
    """One application with its history."""
    application = store.find(work, key)
    if application is None:
        raise NotFound("没有这个申请")
    return {**events.view(application), "history": store.history_of(work, application["id"])}


def evaluate_form(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """How the form stands with these values, of a new application or of one's own; nothing is written."""
    before = None
    if received.get("record_id") is not None:
        before = _mine(work, {"application_id": str(received["record_id"])}, locked=False)["fields"]
    form = designing.newest_form(work, FORM)
    given = files.described(work, form.definition, received["fields"], received.get("record_id"))
    return designing.evaluate_form(form, {**received, "fields": given}, before, _around(work))


def get_file(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """A file of an application, with the key of its bytes, for the gateway."""
    application = _require(work, received["application_id"], locked=False)
    return files.get_file(work, FORM, APPLICATIONS.key, application["id"], received["file_id"])


def customer_of(work: UnitOfWork, key: str) -> str:
    """The id of the customer that an application of one's own is for."""
    return str(_mine(work, {"application_id": key}, locked=False)["customer_id"])


def list_applications(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """A page of applications, newest first."""
    where: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for name, value in received["where"].items():
        if name == "customer_id":
            try:
                where[name] = UUID(str(value))
            except ValueError:
                raise invalid_field("customer_id", "not_an_id", "应为 UUID") from None
        elif name in _FILTERS:
            where[name] = value
        elif _is_searchable(work, name):
            own[name.removeprefix("fields.")] = value
        else:
            raise unknown_filter(name, ("customer_id", *_FILTERS))
    return page(
        work,
        store.listed(work, where, own),
        received,
        sort={"created_at": model.applications.c.created_at, "number": model.applications.c.number},
        key=model.applications.c.id,
        default_sort="-created_at",
        to_item=events.view,
    )


def _asked(received: Mapping[str, Any]) -> dict[str, Any]:
    names = ("amount", "currency", "term_days", "valid_from", "valid_to", "reason")
    return {name: received[name] for name in names}


def _form(work: UnitOfWork) -> Form | None:
    """What an admin has published for the fields beside the typed columns; None while there is nothing."""
    return None if form_store.newest_stamp(work, FORM) is None else designing.newest_form(work, FORM)


def _values(
    work: UnitOfWork, received: Mapping[str, Any], application: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The fields, checked and computed by the published form; as they were sent while there is none."""
    form = _form(work)
    if form is None:
        return dict(received["form_fields"])
    before, application_id = (application["fields"], application["id"]) if application else (None, None)
    people.require_known(work, form.definition, received["form_fields"], before, received)
    given = files.described(work, form.definition, received["form_fields"], application_id)
    return load_values(form, given, before, _around(work))


def _hold_files(work: UnitOfWork, application: Mapping[str, Any]) -> None:
    form = _form(work)
    if form is not None:
        files.attach(work, form.definition, application["id"], application["fields"])


def _around(work: UnitOfWork) -> Surroundings:
    return Surroundings(world_of(work), my_values(work.caller))


def _is_searchable(work: UnitOfWork, name: str) -> bool:
    form = _form(work)
    field = form.definition.field(name.removeprefix("fields.")) if form else None
    return field is not None and field.searchable


def _change(
    work: UnitOfWork, application: dict[str, Any], action: str, values: dict[str, Any], event: str
) -> dict[str, Any]:
    values |= {"version": application["version"] + 1, "updated_at": work.now}
    store.change(work, application["id"], values)
    application |= values
    detail = {"approved": values["approved"]} if values.get("approved") else {}
    store.add_history(work, application, action, detail)
    events.told(work, event, application)
    return events.view(application)


def _require(work: UnitOfWork, key: str, *, locked: bool = True) -> dict[str, Any]:
    application = store.find(work, key, locked=locked)
    if application is None:
        raise NotFound("没有这个申请")
    return application


def _mine(work: UnitOfWork, received: Mapping[str, Any], *, locked: bool = True) -> dict[str, Any]:
    application = _require(work, received["application_id"], locked=locked)
    if work.caller.kind != "service" and application["initiator"] != work.caller.username:
        raise NotFound("没有这个申请")
    if received.get("version") not in (None, application["version"]):
        version = application["version"]
        raise Conflict("申请已被他人修改, 请刷新后再试", code="stale_version", version=version)
    return application
