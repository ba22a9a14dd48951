"""Forms: the published definitions by which records are filled in."""

from __future__ import annotations

from gateway.routes import Route
from services.customer import schema

ROUTES = [
    Route(
        "GET",
        "/forms",
        service="customer",
        call="list_forms",
        permission="forms.read",
        answer=schema.FormPage,
        tag="forms",
        summary="The published forms",
    ),
    Route(
        "GET",
        "/forms/<key>",
        service="customer",
        call="get_form",
        permission="forms.read",
        answer=schema.FormAnswer,
        tag="forms",
        summary="The published definition of a form",
    ),
]
