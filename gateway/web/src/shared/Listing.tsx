import { Button, Card, Empty, Flex, Grid, Table, type TableProps, theme } from "antd";
import { type ReactNode, useLayoutEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { Page } from "./Page";
import type { Listed } from "./useListing";

interface Props<Item> {
  listed: Listed<Item>;
  columns: NonNullable<TableProps<Item>["columns"]>;
  rowKey: keyof Item & string;
  /** How one is shown on a phone. */
  card: (item: Item) => ReactNode;
  /** Where one is looked at. */
  to?: (item: Item) => string;
  empty: ReactNode;
  selection?: TableProps<Item>["rowSelection"];
  /** The sum of the columns' widths, in pixels: below it the table scrolls sideways. */
  width: number;
}

const BOTTOM_PX = 400;
const ROOM_BELOW_PX = 64;
const HEIGHT_MIN_PX = 240;

/** A list: on a PC a dense table that holds only what is in sight, on a phone cards. */
export function Listing<Item extends object>(props: Props<Item>) {
  const wide = Grid.useBreakpoint().md;
  const { listed, empty } = props;
  if (wide === undefined) return null;
  if (listed.error || listed.isPending) {
    return <Page title="" loading={listed.isPending} problem={listed.error} retry={listed.refetch} />;
  }
  if (listed.data.length === 0) return <Empty description={empty} style={{ padding: 48 }} />;
  return wide ? <Wide {...props} items={listed.data} /> : <Narrow {...props} items={listed.data} />;
}

function Wide<Item extends object>(props: Props<Item> & { items: Item[] }) {
  const { listed, columns, rowKey, to, selection, width, items } = props;
  const go = useNavigate();
  const { token } = theme.useToken();
  const place = useRef<HTMLDivElement>(null);
  const [height, setHeight] = useState(HEIGHT_MIN_PX);
  useLayoutEffect(() => {
    const measure = () => {
      const top = place.current?.getBoundingClientRect().top ?? 0;
      setHeight(Math.max(HEIGHT_MIN_PX, window.innerHeight - top - ROOM_BELOW_PX));
    };
    measure();
    window.addEventListener("resize", measure);
    return () => window.removeEventListener("resize", measure);
  }, []);
  const more = ({ currentTarget }: React.UIEvent<HTMLElement>) => {
    const { scrollTop, clientHeight, scrollHeight } = currentTarget;
    const near = scrollHeight - scrollTop - clientHeight < BOTTOM_PX;
    if (near && listed.hasNextPage && !listed.isFetchingNextPage) listed.fetchNextPage();
  };
  return (
    <div ref={place} style={{ background: token.colorBgContainer, borderRadius: token.borderRadiusLG }}>
      <Table<Item>
        virtual
        size="middle"
        rowKey={rowKey}
        columns={columns}
        dataSource={items}
        pagination={false}
        scroll={{ x: width, y: height - 42 }}
        onScroll={more}
        {...(selection ? { rowSelection: selection } : {})}
        {...(to
          ? {
              onRow: (item: Item) => ({
                onClick: (event) => !isControl(event.target) && go(to(item)),
                style: { cursor: "pointer" },
              }),
            }
          : {})}
      />
    </div>
  );
}

function isControl(target: EventTarget): boolean {
  return target instanceof Element && target.closest("a, button, input, label") !== null;
}

function Narrow<Item extends object>({ listed, rowKey, card, to, items }: Props<Item> & { items: Item[] }) {
  const { t } = useTranslation();
  const go = useNavigate();
  return (
    <Flex vertical gap={8}>
      {items.map((item) => (
        <Card
          key={String(item[rowKey])}
          size="small"
          {...(to
            ? {
                role: "button",
                tabIndex: 0,
                onClick: () => go(to(item)),
                onKeyDown: (event: React.KeyboardEvent) => event.key === "Enter" && go(to(item)),
              }
            : {})}
        >
          {card(item)}
        </Card>
      ))}
      {listed.hasNextPage && (
        <Button onClick={() => listed.fetchNextPage()} loading={listed.isFetchingNextPage}>
          {t("list.more")}
        </Button>
      )}
    </Flex>
  );
}
