"""Forms as resources of the catalogue of rights: a copy of what their services publish."""

from __future__ import annotations

from gateway.identity import store
from gateway.identity.permissions import STATIC, Catalogue
from services.common.db import UnitOfWork
from services.common.events import Event
from services.common.forms import compile_form
from services.common.forms.rights import resource_for

# The records of these forms have a resource of their own, with its own doors.
_BUILT_IN = frozenset({"customer", "application"})


def form_published(work: UnitOfWork, event: Event) -> None:
    """Keep a form's newest version: what may be allowed on its records follows from it."""
    form = event.data["form"]
    store.save_form_resource(work, str(form["id"]), event.source, int(form["version"]), form["definition"])
    work.forget("catalogue")


def catalogue(work: UnitOfWork) -> Catalogue:
    """Every resource there is now: those that services declare, and the records of every published form."""

    def find() -> Catalogue:
        resources = dict(STATIC.resources)
        services = dict(STATIC.services)
        for row in store.published_forms(work):
            if row["key"] not in _BUILT_IN:
                resource = resource_for(compile_form(row["definition"], row["version"]).definition)
                resources[resource.key] = resource
                services[resource.key] = row["service"]
        return Catalogue(resources, services)

    found: Catalogue = work.remembered("catalogue", find)
    return found
