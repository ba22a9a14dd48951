"""The customer form that ships with the product, as its first published version."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_FORM_VERSIONS = sa.table(
    "form_versions",
    sa.column("key", sa.Text),
    sa.column("version", sa.Integer),
    sa.column("definition", postgresql.JSONB),
    sa.column("published_at", sa.DateTime(timezone=True)),
    sa.column("published_by", sa.Text),
)


def _field(key: str, zh: str, en: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "label": {"zh": zh, "en": en}, "type": kind, **more}


def _option(value: str, zh: str, en: str) -> dict[str, Any]:
    return {"value": value, "label": {"zh": zh, "en": en}}


_INDUSTRIES = [
    _option("manufacturing", "制造业", "Manufacturing"),
    _option("wholesale", "批发业", "Wholesale"),
    _option("retail", "零售业", "Retail"),
    _option("construction", "建筑业", "Construction"),
    _option("transport", "交通运输", "Transport"),
    _option("technology", "信息技术", "Information technology"),
    _option("agriculture", "农业", "Agriculture"),
    _option("other", "其他", "Other"),
]
_DEFINITION = {
    "key": "customer",
    "title": {"zh": "客户", "en": "Customer"},
    "fields": [
        _field("industry", "行业", "Industry", "select", searchable=True, options=_INDUSTRIES),
        _field("legal_representative", "法定代表人", "Legal representative", "text", max_length=50),
        _field("registered_capital", "注册资本", "Registered capital", "money"),
        _field("established_on", "成立日期", "Established on", "date"),
        _field("annual_sales", "年销售额", "Annual sales", "money"),
        _field("employees", "员工人数", "Employees", "number"),
        _field("listed", "上市公司", "Listed company", "bool", searchable=True),
        _field("phone", "公司电话", "Telephone", "phone"),
        _field("email", "公司邮箱", "Mail address", "email"),
        _field("address", "地址", "Address", "text", max_length=300),
        _field("parent_uscc", "上级单位信用代码", "Parent's credit code", "uscc"),
        _field("remark", "备注", "Remark", "text", max_length=2000),
    ],
}


def upgrade() -> None:
    """Publish the form."""
    op.bulk_insert(
        _FORM_VERSIONS,
        [
            {
                "key": "customer",
                "version": 1,
                "definition": _DEFINITION,
                "published_at": datetime.now(UTC),
                "published_by": "system",
            }
        ],
    )


def downgrade() -> None:
    """Withdraw the form."""
    op.execute(sa.delete(_FORM_VERSIONS).where(_FORM_VERSIONS.c.key == "customer"))
