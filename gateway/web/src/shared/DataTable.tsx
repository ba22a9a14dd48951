import { Table, type TableProps } from "antd";
import { useEffect, useRef } from "react";

const SCROLLED = ".ant-table-content, .ant-table-body";

/** A table of a few rows; where it is too wide, the keyboard scrolls it as well. */
export function DataTable<Item extends object>(props: TableProps<Item>) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    for (const element of place.current?.querySelectorAll<HTMLElement>(SCROLLED) ?? []) {
      if (element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight) {
        element.tabIndex = 0;
      } else element.removeAttribute("tabindex");
    }
  });
  return (
    <div ref={place}>
      <Table<Item> size="small" pagination={false} {...props} />
    </div>
  );
}
