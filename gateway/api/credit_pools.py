"""Credit pools: what groups, salespersons, departments and segments may owe."""

from __future__ import annotations

from gateway.routes import Route
from services.limits import schema

_ONE = "/credit-pools/<pool_kind>/<pool_key>"

ROUTES = [
    Route(
        "GET",
        "/credit-pools",
        service="limits",
        call="list_pools",
        permission="credit.read",
        tag="credit-pools",
        summary="Every pool that controls, customers' overall ones left out",
    ),
    Route(
        "GET",
        _ONE,
        service="limits",
        call="get_pool",
        permission="credit.read",
        query=schema.PoolMoment,
        tag="credit-pools",
        summary="A pool and its grants; `segment` for that of one selling company, `as_of`, `known_at`",
    ),
    Route(
        "POST",
        f"{_ONE}/grants",
        service="limits",
        call="grant_pool_limit",
        permission="credit.grant",
        body=schema.PoolLimitInput,
        status=201,
        timeout_seconds=60,
        tag="credit-pools",
        summary="Grant a limit to a pool, or raise, cut or replace it; its first lets it control",
    ),
    Route(
        "GET",
        f"{_ONE}/guarantees",
        service="limits",
        call="list_pool_guarantees",
        permission="credit.read",
        query=schema.PoolKeyInput,
        tag="credit-pools",
        summary="Guarantees, collateral and insurance that raise the limit of a pool",
    ),
    Route(
        "POST",
        f"{_ONE}/guarantees",
        service="limits",
        call="accept_pool_guarantee",
        permission="credit.grant",
        body=schema.PoolGuaranteeInput,
        status=201,
        tag="credit-pools",
        summary="Raise the limit of a pool by a share of a guarantee, collateral or insurance",
    ),
    Route(
        "POST",
        f"{_ONE}/guarantees/<guarantee_id>:release",
        service="limits",
        call="release_pool_guarantee",
        permission="credit.grant",
        body=schema.PoolGuaranteeKey,
        tag="credit-pools",
        summary="End a guarantee of a pool before its time",
    ),
    Route(
        "POST",
        f"{_ONE}:release",
        service="limits",
        call="release_pool",
        permission="credit.grant",
        body=schema.PoolReleaseInput,
        timeout_seconds=60,
        tag="credit-pools",
        summary="Let a pool control nothing any more",
    ),
]
