"""Clients that trade through the public API, and try each document again until it has its answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import eventlet
import requests

from tests.support.suites import Suite
from tests.support.wait import wait_until

_TRY_AGAIN = {429, 502, 503}
_CLIENTS = 8
_DONE_SECONDS_MAX = 150


@dataclass
class Trade:
    """One customer's trade: the definite `answers` by key, and those that asked to come again (`put_off`)."""

    suite: Suite
    token: str
    customer_id: str
    name: str
    answers: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    put_off: list[requests.Response] = field(default_factory=list)

    def order(self, number: str, amount: str) -> tuple[int, dict[str, Any]]:
        """Order until there is an answer."""
        body = {"order_no": number, "order_date": "2026-01-05", **self._common(amount)}
        return self.send("/orders", number, body)

    def whole_deal(self, number: str, amount: str) -> None:
        """An order, its invoice, and its payment."""
        self.order(number, amount)
        dates = {"invoice_date": "2026-01-05", "due_date": "2026-02-04"}
        invoice = {"invoice_no": f"I-{number}", "order_no": number, **dates, **self._common(amount)}
        self.send("/invoices", f"I-{number}", invoice)
        payment = {"payment_no": f"P-{number}", "paid_at": "2026-01-05", **self._common(amount)}
        payment["allocations"] = [{"invoice_no": f"I-{number}", "amount": amount}]
        self.send("/payments", f"P-{number}", payment)

    def send(self, path: str, key: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """POST with an idempotency key until the answer is definite."""
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}
        url = f"{self.suite.url}/api/v1{path}"

        def answered() -> tuple[int, dict[str, Any]] | None:
            response = requests.post(url, json=body, headers=headers, timeout=60)
            if response.status_code in _TRY_AGAIN:
                self.put_off.append(response)
                return None
            answer: dict[str, Any] = response.json()
            # A problem document names the request that it answers, which is another one each time.
            answer.pop("trace_id", None)
            return response.status_code, answer

        answer = wait_until(
            answered, _DONE_SECONDS_MAX, what=f"an answer to {key}", ignoring=(requests.RequestException,)
        )
        assert answer is not None
        self.answers[key] = answer
        return answer

    def run(
        self,
        jobs: Sequence[Callable[[], Any]],
        fault: Callable[[], None],
        *,
        after: int,
        clients: int = _CLIENTS,
    ) -> None:
        """Do the jobs with several clients; let the fault happen once `after` answers have come."""
        pool = eventlet.GreenPool(clients)
        # The pool lets nobody in while all clients are busy: whoever feeds it waits there.
        feeder = eventlet.spawn(lambda: [pool.spawn(job) for job in jobs])
        wait_until(lambda: len(self.answers) >= after, _DONE_SECONDS_MAX, what="trade to begin")
        fault()
        with eventlet.Timeout(_DONE_SECONDS_MAX):
            for done in feeder.wait():
                done.wait()

    def _common(self, amount: str) -> dict[str, Any]:
        return {"source": self.name, "customer_id": self.customer_id, "amount": amount, "currency": "CNY"}
