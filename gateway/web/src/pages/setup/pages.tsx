import { RocketOutlined } from "@ant-design/icons";
import { lazy } from "react";
import type { PageEntry } from "../../app/pages";

export const PAGES: PageEntry[] = [
  {
    path: "/setup",
    page: lazy(() => import("./Setup")),
    permission: "admin.system",
    menu: { group: "settings", text: "setup.menu", icon: <RocketOutlined />, place: 59 },
  },
];
