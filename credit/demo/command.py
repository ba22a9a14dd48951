"""What `credit demo` does: replays a company's history into a running suite and sums up what happened."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from credit.demo.client import Client
from credit.demo.invoices import CURRENCY, read_invoices
from credit.demo.replay import Replay, Summary
from credit.demo.sample import PASSWORD, Sample

Item = TypeVar("Item")


def replay_file(admin: Client, path: Path, say: Callable[[str], None]) -> Summary:
    """Replay a file of settled invoices with a progress bar; says what came of it."""
    invoices = read_invoices(path)
    say(f"{path.name}: {len(invoices)} 张发票 / invoices, {len({one.customer for one in invoices})} 个客户")
    began = time.monotonic()
    summary = Replay(admin, invoices).run(_with_bar)
    for line in summary_lines(summary, time.monotonic() - began):
        say(line)
    return summary


def make_sample(admin: Client, say: Callable[[str], None]) -> None:
    """Make the invented company up to today, with a progress bar; says who can sign in."""
    began = time.monotonic()
    last = date.fromisoformat(admin.get("/admin/business-date")["date"])
    counts = Sample(admin, last).run(_with_bar)
    say("")
    say(f"客户 / customers {counts['customers']}, 订单 / orders {counts['orders']}")
    say(f"通过 / reserved {counts['reserved']}, 发票 / invoices {counts['invoices']}")
    say(f"回款 / payments {counts['payments']}, 用时 / seconds {time.monotonic() - began:.1f}")
    names = "chen.jing, zhou.jingli, wu.fengkong, zheng.zongjian, sun.caiwu"
    say(f"演示用户 / people: {names}; 密码 / password: {PASSWORD}")


def summary_lines(summary: Summary, seconds: float) -> list[str]:
    """What a replay did, for people."""
    return [
        "",
        f"客户 / customers            {summary.customers}",
        f"审批 / approvals            {summary.approvals}",
        f"营业日 / business days      {summary.days}",
        f"订单 / orders               {summary.orders}, 被拒 / refused {summary.orders_refused}",
        f"发票 / invoices             {summary.invoices}, {CURRENCY} {summary.invoice_amount:,.2f}",
        f"回款 / payments             {summary.payments}, {CURRENCY} {summary.payment_amount:,.2f}",
        f"曾被预警 / ever warned      {summary.ever_warned}",
        f"曾被冻结 / ever frozen      {summary.ever_frozen}, 已解冻 / unfrozen {summary.unfrozen}",
        f"用时 / seconds              {seconds:.1f}",
    ]


def _with_bar(days: Sequence[Item]) -> tqdm[Item]:
    return tqdm(days, unit=" days", file=sys.stderr, desc="replay")
