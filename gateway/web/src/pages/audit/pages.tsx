import { FileSearchOutlined } from "@ant-design/icons";
import { lazy } from "react";
import type { PageEntry } from "../../app/pages";

export const PAGES: PageEntry[] = [
  {
    path: "/audit",
    page: lazy(() => import("./Audit")),
    permission: "admin.audit",
    menu: { group: "settings", text: "audit.menu", icon: <FileSearchOutlined />, place: 63 },
  },
];
