import { Button, Result } from "antd";
import i18n from "i18next";
import { Component, type ReactNode } from "react";

/** Shows what to do when a page breaks, instead of nothing. */
export class Boundary extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError() {
    return { broken: true };
  }

  override render() {
    if (!this.state.broken) return this.props.children;
    return (
      <Result
        status="error"
        title={i18n.t("page.broken")}
        extra={<Button onClick={() => window.location.reload()}>{i18n.t("page.reload")}</Button>}
      />
    );
  }
}
