import { HomeOutlined, InboxOutlined } from "@ant-design/icons";
import { type ComponentType, lazy, type ReactNode } from "react";

export interface PageEntry {
  /** Where it stands: below `/#/`, with `:parameters`. */
  path: string;
  page: ComponentType;
  permission?: string;
  /** Its menu entry: a key of the texts' `menu`, and an icon. Pages without one are reached from others. */
  menu?: { key: string; icon: ReactNode };
  /** Whether the phone's bottom bar shows it too. */
  phone?: boolean;
}

/** Every page of those who are signed in; the menu and the routes are made of it. Each is loaded when visited. */
export const PAGES: PageEntry[] = [
  {
    path: "/",
    page: lazy(() => import("../pages/home/Home")),
    menu: { key: "home", icon: <HomeOutlined /> },
    phone: true,
  },
  {
    path: "/inbox",
    page: lazy(() => import("../pages/inbox/Inbox")),
    permission: "tasks.read",
    menu: { key: "inbox", icon: <InboxOutlined /> },
    phone: true,
  },
];
