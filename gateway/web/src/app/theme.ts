import type { ThemeConfig } from "antd";

/** Every colour, size and font of the application. */
export const theme: ThemeConfig = {
  token: {
    colorPrimary: "#1456f0",
    colorSuccess: "#18794e",
    colorWarning: "#b45309",
    colorError: "#c62a2f",
    colorBgLayout: "#f5f7fa",
    colorTextDescription: "#5c6470",
    colorTextSecondary: "#4a515c",
    colorTextPlaceholder: "#6b7280",
    borderRadius: 8,
    fontFamily:
      'system-ui, -apple-system, "PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei", "Segoe UI", sans-serif',
  },
  components: {
    Table: { cellPaddingBlockMD: 9, headerBg: "#f2f4f8" },
    Layout: { siderBg: "#ffffff", headerBg: "#ffffff", headerHeight: 56, headerPadding: "0 20px" },
  },
};
