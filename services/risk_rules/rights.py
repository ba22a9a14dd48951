"""What may be allowed on rules, their firings, and ratings."""

from __future__ import annotations

from services.common.rights import OF_CUSTOMER, GuardedField, Resource, actions, scope_fields

_OF_CUSTOMER = scope_fields(*OF_CUSTOMER)
RULES = Resource("rules", "规则", "Rules", actions("read", "write", "test", "publish"))
FIRINGS = Resource(
    "firings", "规则触发", "Firings", actions("read"), scope=_OF_CUSTOMER, shows=("customers", "credit")
)
RATINGS = Resource(
    "ratings",
    "信用评级",
    "Ratings",
    actions("read", "write"),
    fields=(
        GuardedField("grade", "信用等级", "Grade"),
        GuardedField("score", "评分", "Score", "amount"),
        GuardedField("reasons", "评级理由", "Reasons"),
    ),
    scope=_OF_CUSTOMER,
    shows=("customers",),
)
RESOURCES = (RULES, FIRINGS, RATINGS)
