import { Button, Card, Col, Empty, Flex, Row, theme } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useWaiting } from "../../api/live";
import { useMe } from "../../api/me";
import { useTasks } from "../../api/tasks";
import { Page } from "../../shared/Page";
import { TaskCard } from "../inbox/TaskCard";

const SHOWN_MAX = 6;

/** What the person does next: their tasks, what needs attention, their customers, and shortcuts. */
export default function Home() {
  const { t } = useTranslation();
  const me = useMe();
  return (
    <Page
      title={t("home.hello", { name: me.data?.user.name ?? "" })}
      loading={me.isPending}
      problem={me.error}
      retry={me.refetch}
    >
      <Row gutter={[16, 16]}>
        <Col xs={24} lg={14}>
          <OpenTasks />
        </Col>
      </Row>
    </Page>
  );
}

function OpenTasks() {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const waiting = useWaiting();
  const tasks = useTasks({ state: "open" });
  const shown = tasks.data?.slice(0, SHOWN_MAX) ?? [];
  return (
    <Card
      size="small"
      title={t("home.open", { count: waiting.open })}
      extra={
        <Link to="/inbox">
          <Button size="small" type="link">
            {t("home.all")}
          </Button>
        </Link>
      }
      loading={tasks.isPending && tasks.isFetching}
    >
      {shown.length === 0 && <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t("home.none")} />}
      <Flex vertical>
        {shown.map((task) => (
          <Link
            key={task.id}
            to={`/inbox?task=${task.id}`}
            style={{
              color: token.colorText,
              padding: "10px 4px",
              borderBottom: `1px solid ${token.colorBorderSecondary}`,
            }}
          >
            <TaskCard task={task} />
          </Link>
        ))}
      </Flex>
    </Card>
  );
}
