"""What people do every day: sign in, decide, and see it change on the screens of others."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.browser.visitor import Browsing, Visitor


def front_door(browsing: Browsing) -> None:
    """A stranger sees where to sign in, hears what is wrong, and gets in."""
    somebody = browsing.visitor()
    somebody.visit("/inbox")
    somebody.reads("忘记密码").look("sign-in")
    somebody.page.get_by_label("用户名").fill("mia")
    somebody.page.get_by_label("密码", exact=True).fill("not the password")
    somebody.press("登录")
    somebody.reads("用户名或密码错误")
    somebody.page.get_by_label("密码", exact=True).fill(browsing.given["password"])
    somebody.press("登录")
    # Where they wanted to go in the first place.
    expect(somebody.page.get_by_role("heading", name="待办")).to_be_visible()
    kept = somebody.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert "credit_access" not in kept, "no script reads a token"
    assert "credit_refresh" not in kept, "no script reads a token"
    worker = somebody.page.evaluate("navigator.serviceWorker.ready.then((found) => found.active !== null)")
    assert worker, "the shell is kept for when there is no network"
    somebody.page.context.set_offline(True)
    somebody.page.reload()
    expect(somebody.page.get_by_role("navigation")).to_be_visible()
    somebody.page.context.set_offline(False)
    somebody.visit("/forgotten").reads("用户名或邮箱").look("forgotten")


def approve(browsing: Browsing) -> dict[str, Any]:
    """An approver grants less than was asked for; the queue of a colleague's window shortens by itself."""
    mia = browsing.sign_in("mia")
    mia.reads("待我处理").look("home")
    watching = browsing.sign_in("mia").visit("/inbox")
    customer = browsing.given["customer"]
    watching.reads(customer)
    mia.visit("/inbox").reads(customer).look("inbox")
    _open(mia, customer)
    mia.reads("申请账期").look("task")
    mia.press("同意")
    dialog = mia.dialog()
    amount = dialog.get_by_label("批准额度")
    amount.fill("8000")
    dialog.get_by_label("账期（天）").fill("20")
    dialog.get_by_label("审批意见").fill("先给一部分")
    mia.look("approve")
    mia.press("同意", dialog)
    mia.reads("已处理")
    watching.reads_not(customer)
    return {}


def _open(somebody: Visitor, customer: str) -> None:
    somebody.page.get_by_role("button", name=customer).click()
