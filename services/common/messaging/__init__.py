"""nameko made safe, and the only door to it: services import their base class and decorators from here."""

from services.common.messaging.erp import ErpSubscription
from services.common.messaging.runner import Runner, run_until_stopped
from services.common.messaging.service import PUBLIC, SERVICES_ONLY, Call, Service, endpoint, every

__all__ = [
    "PUBLIC",
    "SERVICES_ONLY",
    "Call",
    "ErpSubscription",
    "Runner",
    "Service",
    "endpoint",
    "every",
    "run_until_stopped",
]
