"""What administrators do: people, roles, repairing what was set aside, and looking who did what."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.browser.visitor import Browsing


def people_and_rights(browsing: Browsing) -> dict[str, Any]:
    """An administrator makes somebody, who then sees what their role shows; the trail tells of it."""
    given = browsing.given
    ada = browsing.sign_in("ada")
    ada.visit("/users").reads("销售部").look("users")
    ada.press("新建用户")
    dialog = ada.dialog()
    dialog.get_by_label("用户名").fill(given["username"])
    dialog.get_by_label("姓名", exact=True).fill(given["name"])
    dialog.get_by_label("初始密码").fill(given["password"])
    ada.press("新建", dialog)
    ada.reads(f"已新建用户 {given['name']}")
    ada.visit(f"/users?user={given['username']}").reads("重设密码").look("user")
    ada.visit("/departments").reads("总部").look("departments")
    ada.visit("/roles?role=salesperson").reads("项权限").look("roles")
    ada.visit(f"/audit?text={given['username']}").reads("新建用户").look("audit")
    ada.page.get_by_role("button", name="处变更").first.click()
    ada.reads("之后").look("audit-line")
    ada.visit("/system").reads("事件流").look("system")
    ada.visit("/setup").reads("示例数据").look("setup")
    newcomer = browsing.sign_in(given["username"])
    newcomer.visit("/users").reads("您没有查看此页的权限")
    newcomer.page.keyboard.press("Escape")
    return {}


def narrow_a_role(browsing: Browsing) -> dict[str, Any]:
    """A role reaches its own customers only, from the keyboard: what is changed is told, saved and kept."""
    ada = browsing.sign_in("ada")
    ada.visit(f"/roles?role={browsing.given['role']}").reads("项权限")
    box = ada.page.get_by_role("checkbox", name="客户：导出")
    expect(box).to_be_checked()
    box.focus()
    ada.page.keyboard.press("Space")
    ada.reads("1 处未保存")
    ada.press("保存")
    ada.reads("已保存，立即生效").reads_not("处未保存")
    return {}


def repair(browsing: Browsing) -> dict[str, Any]:
    """What an ERP has sent wrongly is repaired and applied."""
    given = browsing.given
    ada = browsing.sign_in("ada")
    ada.visit("/parked-events").reads(given["problem"])
    ada.page.get_by_role("button", name=given["problem"]).click()
    data = ada.page.get_by_label("事件数据（JSON）")
    ada.look("parked-events")
    data.fill(data.input_value().replace(given["wrong"], given["right"]))
    ada.press("保存并重放")
    ada.reads("已重放，处理成功").reads_not(given["problem"])
    return {}
