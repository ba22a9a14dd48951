import { ApartmentOutlined } from "@ant-design/icons";
import { lazy } from "react";
import type { PageEntry } from "../../app/pages";

export const PAGES: PageEntry[] = [
  {
    path: "/departments",
    page: lazy(() => import("./Departments")),
    permission: "admin.departments",
    menu: { group: "settings", text: "departments.menu", icon: <ApartmentOutlined />, place: 61 },
  },
];
