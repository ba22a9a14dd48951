"""Records and what is seen of them: customers, applications, orders, dashboards."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.browser.visitor import Browsing


def main_chain(browsing: Browsing) -> dict[str, Any]:
    """A salesperson makes a customer and asks for credit, two approve, and an order is tried."""
    name = browsing.given["customer"]
    sam = browsing.sign_in("sam")
    sam.visit("/customers/new").reads("基本信息")
    sam.page.get_by_label("客户名称").fill(name)
    sam.page.get_by_label("地区").fill("华东")
    sam.page.get_by_label("员工人数").fill("120")
    sam.look("customer-form").press("保存")
    sam.reads("申请授信").reads("未授信").look("customer-new")
    sam.press("申请授信")
    expect(sam.page.get_by_role("heading", name="新建授信申请")).to_be_visible()
    sam.page.get_by_label("申请额度").fill("60000")
    sam.page.get_by_label("申请理由").fill("首次合作，年度框架合同")
    sam.look("application-form").press("提交审批")
    sam.reads("审批中").reads("等待处理").look("application")
    for username in ("rita", "carl"):
        approver = browsing.sign_in(username)
        approver.visit("/inbox")
        approver.page.get_by_role("button", name=name).click()
        approver.press("同意")
        approver.press("同意", approver.dialog())
        approver.reads("已处理")
    # Nobody has told sam's page: it hears of it.
    sam.reads("已生效")
    sam.visit("/orders/check").reads("订单试算")
    sam.page.get_by_label("客户", exact=True).fill(name)
    sam.page.get_by_title(name).click()
    sam.page.get_by_label("订单金额").fill("75000")
    sam.press("检查")
    sam.reads("不能通过").reads("还差 15,000.00").look("order-check")
    return {}


def looking_around(browsing: Browsing) -> dict[str, Any]:
    """Every page of records and figures, with a customer that buys and pays."""
    customer, order = browsing.given["customer"], browsing.given["order"]
    rita = browsing.sign_in("rita")
    seconds = rita.timed("/customers", customer["name"])
    rita.look("customers")
    rita.visit(f"/customers/{customer['id']}").reads("每月订单").look("customer")
    for tab, text in (("credit", "额度明细"), ("orders", order), ("history", "新建"), ("details", "编码")):
        rita.visit(f"/customers/{customer['id']}?tab={tab}").reads(text).look(f"customer-{tab}")
    rita.visit("/applications").reads(customer["name"]).look("applications")
    rita.visit("/orders").reads(order).look("orders")
    rita.visit(f"/orders/{order}").reads("信用决策").look("order")
    rita.visit("/analysis").reads("客户等级分布").look("dashboard-overview")
    rita.visit("/analysis?board=aging").reads("回款指标").look("dashboard-aging")
    rita.visit("/me").reads("修改密码").look("me")
    rita.visit("/no/such/page").reads("没有这个页面")
    return {"list_seconds": seconds}
