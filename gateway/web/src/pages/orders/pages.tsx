import { CalculatorOutlined, ShoppingOutlined } from "@ant-design/icons";
import { lazy } from "react";
import type { PageEntry } from "../../app/pages";
import { QUIET } from "../../shared/icons";

export const PAGES: PageEntry[] = [
  {
    path: "/orders",
    page: lazy(() => import("./OrderList")),
    permission: "orders.read",
    menu: { group: "orders", text: "orders.menu", icon: <ShoppingOutlined {...QUIET} />, place: 1 },
  },
  {
    path: "/orders/check",
    page: lazy(() => import("./OrderCheck")),
    permission: "orders.check",
    menu: { group: "orders", text: "orders.checkMenu", icon: <CalculatorOutlined {...QUIET} />, place: 2 },
  },
  { path: "/orders/:number", page: lazy(() => import("./OrderRecord")), permission: "orders.read" },
];
