"""Forms: their definitions, the records of every one of them, and saved views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Request

from gateway import received
from gateway.context import Context
from gateway.local import body
from gateway.routes import SIGNED_IN, Route
from services.application import schema
from services.common.errors import CreditError
from services.common.forms import TYPES
from services.common.forms import schema as form_schema

_ONE = "/forms/<key>"
_RECORDS = "/forms/<form>/records"
_RECORD = f"{_RECORDS}/<record_id>"
_VIEWS = "/forms/<form>/views"
# The form whose records the customer service keeps, with typed columns.
_CUSTOMER = "customer"
_HOSTS = ("customer", "application")


def _host(key: str) -> str:
    """The service that keeps a form."""
    return "customer" if key == _CUSTOMER else "application"


def _list(context: Context, _request: Request, _path: Mapping[str, str]) -> Any:
    items = [form for host in _HOSTS for form in context.ask(host, "list_forms", {})["items"]]
    return {"items": sorted(items, key=lambda form: str(form["key"])), "next": None}


def _create(context: Context, request: Request, _path: Mapping[str, str]) -> Any:
    definition = received.read_object(request)
    key = definition.get("key")
    asked = {"key": key if isinstance(key, str) and key else "?", "definition": definition}
    return context.ask("application", "create_form", asked)


def _get(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    return context.ask(_host(path["key"]), "get_form", {**received.parameters(request), **path})


def _save(context: Context, request: Request, path: Mapping[str, str]) -> Any:
    return context.ask(_host(path["key"]), "save_form", {**path, "definition": received.read_object(request)})


def _publish(context: Context, _request: Request, path: Mapping[str, str]) -> Any:
    given = body(form_schema.PublicationBody())
    host = _host(path["key"])
    answer = context.ask(host, "publish_form", {**given, **path})
    try:
        # Rights on a new form's records are there when its publisher hears of it.
        context.ground.readers[host].pull(fresh=True)
        context.desk.forget()
    except CreditError as late:
        # It is published; the rights follow by themselves as soon as they can.
        answer = {**answer, "rights": late.code}
    return answer


def _versions(context: Context, _request: Request, path: Mapping[str, str]) -> Any:
    return context.ask(_host(path["key"]), "list_form_versions", dict(path))


def _evaluate(context: Context, _request: Request, path: Mapping[str, str]) -> Any:
    given = received.read_object(_request)
    return context.ask(_host(path["key"]), "evaluate_form", {**given, "form": path["key"]})


def _types(_context: Context, _request: Request, _path: Mapping[str, str]) -> Any:
    """Every field type, for who designs a form."""
    items = [
        {
            "key": kind.key,
            "label": {"zh": kind.zh, "en": kind.en},
            "family": kind.family,
            "settings": sorted(kind.settings().fields),
            "stores": kind.stores,
            "operators": list(kind.operators),
            "text_format": kind.text_format,
            "mask": kind.mask,
            "computed": kind.is_computed,
            "unique": kind.can_be_unique,
            "searchable": kind.can_be_searched,
            "in_sub_tables": kind.fits_sub_tables,
        }
        for kind in TYPES.values()
    ]
    return {"items": items, "next": None}


def _design(method: str, path: str, permission: str, view: Any, summary: str, **more: Any) -> Route:
    more.setdefault("answer", form_schema.FormAnswer)
    return Route(method, path, permission=permission, view=view, tag="forms", summary=summary, **more)


def _route(method: str, path: str, call: str, summary: str, **more: Any) -> Route:
    # Which right it is depends on the form: the service asks for `form:<key>.<action>`.
    return Route(
        method,
        path,
        service="application",
        call=call,
        permission=SIGNED_IN,
        tag="forms",
        summary=summary,
        **more,
    )


ROUTES = [
    _design("GET", "/forms", "forms.read", _list, "All forms", answer=form_schema.FormPage),
    _design(
        "POST",
        "/forms",
        "forms.write",
        _create,
        "Make a form, as a draft",
        body=form_schema.FormDefinitionBody,
        status=201,
    ),
    _design("GET", "/form-field-types", "forms.read", _types, "Every type of field", answer=None),
    _design("GET", _ONE, "forms.read", _get, "A form (`version`: an older one, `draft=true`: its draft)"),
    _design(
        "PUT",
        _ONE,
        "forms.write",
        _save,
        "Change the draft; tells which data publishing it would leave without a field",
        body=form_schema.FormDefinitionBody,
    ),
    _design(
        "POST",
        f"{_ONE}:publish",
        "forms.publish",
        _publish,
        "Put the draft in force as a new version (`dry_run`: only tell of what)",
        body=form_schema.PublicationBody,
    ),
    _design("GET", f"{_ONE}/versions", "forms.read", _versions, "Every version", answer=form_schema.FormPage),
    _design(
        "POST",
        f"{_ONE}:evaluate",
        SIGNED_IN,
        _evaluate,
        "Formulas, linkage and validation for values that are not saved",
        body=schema.RecordDraftBody,
        answer=form_schema.Evaluation,
    ),
    _route(
        "GET",
        _RECORDS,
        "list_records",
        "Records; `filter` is an expression, `q` searches texts, `deleted=true` shows hidden ones",
        listing=True,
        answer=schema.RecordPage,
        together=True,
    ),
    _route(
        "POST",
        _RECORDS,
        "create_record",
        "Create a record",
        body=schema.RecordBody,
        answer=schema.RecordAnswer,
        status=201,
        together=True,
    ),
    _route("GET", _RECORD, "get_record", "One record", answer=schema.RecordAnswer, together=True),
    _route(
        "PATCH",
        _RECORD,
        "update_record",
        "Change what is named; `version` or If-Match guards against a stale record",
        body=schema.RecordChangeBody,
        answer=schema.RecordAnswer,
    ),
    _route("DELETE", _RECORD, "delete_record", "Hide a record", answer=schema.DeletedRecord),
    _route("POST", f"{_RECORD}:restore", "restore_record", "Bring it back", answer=schema.RecordAnswer),
    _route(
        "GET",
        f"{_RECORD}/history",
        "list_record_history",
        "Who changed what and when, field by field",
        listing=True,
        answer=schema.RecordHistoryPage,
    ),
    _route("GET", _VIEWS, "list_views", "One's own saved views and shared ones", answer=schema.ViewPage),
    _route(
        "POST",
        _VIEWS,
        "save_view",
        "Save a filter, an order and columns under a name",
        body=schema.ViewBody,
        answer=schema.ViewAnswer,
        status=201,
    ),
    _route("DELETE", f"{_VIEWS}/<view_id>", "delete_view", "Remove one of one's own views"),
]
