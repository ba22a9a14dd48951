import { TeamOutlined } from "@ant-design/icons";
import { lazy } from "react";
import type { PageEntry } from "../../app/pages";
import { QUIET } from "../../shared/icons";

export const PAGES: PageEntry[] = [
  {
    path: "/customers",
    page: lazy(() => import("./Customers")),
    permission: "customers.read",
    menu: { group: "customers", text: "customers.menu", icon: <TeamOutlined {...QUIET} />, place: 1 },
    phone: 3,
  },
  { path: "/customers/new", page: lazy(() => import("./CustomerForm")), permission: "customers.create" },
  { path: "/customers/import", page: lazy(() => import("./Import")), permission: "customers.import" },
  { path: "/customers/:id", page: lazy(() => import("./CustomerRecord")), permission: "customers.read" },
  { path: "/customers/:id/edit", page: lazy(() => import("./CustomerForm")), permission: "customers.update" },
];
