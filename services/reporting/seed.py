"""The dashboards that the product ships with, as ordinary, editable data (DOMAIN.md)."""

from __future__ import annotations

from typing import Any

from services.common.db import UnitOfWork
from services.reporting.operations import reports
from services.reporting.store import facts as store

DASHBOARDS: tuple[dict[str, Any], ...] = (
    {
        "key": "credit-overview",
        "title": "授信总览",
        "widgets": [
            {
                "key": "customers-by-grade",
                "type": "pie",
                "title": "客户等级分布",
                "query": {"measures": ["customers"], "dimensions": ["grade"]},
            },
            {
                "key": "totals",
                "type": "kpi",
                "title": "额度与使用",
                "query": {
                    "measures": [
                        "credit_limit",
                        "credit_used",
                        "credit_available",
                        "utilisation",
                        "overdue_amount",
                        "overdue_rate",
                    ]
                },
            },
            {
                "key": "monthly-limits",
                "type": "line",
                "title": "每月授信额度",
                "source": "monthly_limits",
            },
        ],
    },
    {
        "key": "aging",
        "title": "账龄分析",
        "widgets": [
            {
                "key": "aging-pivot",
                "type": "pivot",
                "title": "应收账龄 (地区 × 销售负责人)",
                "query": {
                    "measures": ["receivable_open"],
                    "pivot": {"rows": ["region", "salesperson"], "columns": ["aging_bucket"]},
                },
            },
            {
                "key": "collection",
                "type": "table",
                "title": "回款指标",
                "query": {
                    "measures": ["receivable_open", "overdue_amount", "overdue_rate", "dso", "on_time_rate"],
                    "dimensions": ["region"],
                },
            },
        ],
    },
    {
        "key": "customer-profile",
        "title": "客户信用档案",
        "widgets": [
            {"key": "profile", "type": "profile", "title": "360° 客户画像", "source": "profile"},
            {
                "key": "monthly-invoices",
                "type": "line",
                "title": "每月开票金额",
                "query": {"measures": ["invoice_amount"], "dimensions": ["month"]},
            },
        ],
    },
)


def seed(work: UnitOfWork) -> None:
    """Make the shipped dashboards that are missing; what somebody edited stays as it is."""
    for dashboard in DASHBOARDS:
        if store.find_dashboard(work, dashboard["key"]) is None:
            reports.save_dashboard(work, dashboard)
