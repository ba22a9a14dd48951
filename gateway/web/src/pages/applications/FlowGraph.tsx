import { Background, Handle, type Node, type NodeProps, Position, ReactFlow } from "@xyflow/react";
import { QUIET } from "../../shared/icons";
import "@xyflow/react/dist/base.css";
import { CheckCircleFilled, ClockCircleFilled, CloseCircleFilled } from "@ant-design/icons";
import { Skeleton, theme } from "antd";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { told } from "../../api/problem";
import { Person } from "../../shared/People";
import { useFormats } from "../../shared/useFormats";
import { type Instance, useInstance } from "../inbox/Progress";

type Stage = "passed" | "here" | "refused" | "ahead";
type FlowNode = Node<
  { title: string; type: string; stage: Stage; people: string[]; since: string | null },
  "step"
>;

const HEIGHT = 260;
const SPREAD = 1.25;
const TYPES = { step: Step };
const REFUSALS = new Set(["reject", "rejected"]);

/** The flow of an application with who is where since when. */
export default function FlowGraph({ instanceId }: { instanceId: string }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const found = useInstance(instanceId);
  const drawn = useMemo(() => (found.data ? drawingOf(found.data) : null), [found.data]);
  if (found.error) return <>{told(found.error, t("page.failed"))}</>;
  if (drawn === null) return <Skeleton active />;
  return (
    <div style={{ height: HEIGHT }}>
      <ReactFlow
        nodes={drawn.nodes}
        edges={drawn.edges.map((edge) => ({
          ...edge,
          style: {
            stroke: edge.data.walked ? token.colorPrimary : token.colorBorder,
            strokeWidth: edge.data.walked ? 2 : 1.2,
          },
        }))}
        nodeTypes={TYPES}
        fitView
        fitViewOptions={{ padding: 0.08, maxZoom: 1.1 }}
        nodesDraggable={false}
        nodesConnectable={false}
        elementsSelectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        zoomOnScroll={false}
        preventScrolling={false}
        proOptions={{ hideAttribution: true }}
        aria-label={t("applications.graph")}
      >
        <Background color={token.colorBorderSecondary} />
      </ReactFlow>
    </div>
  );
}

function drawingOf(instance: Instance) {
  const open = instance.tasks.filter(({ state, kind }) => state === "open" && kind !== "cc");
  const here = new Set(open.map(({ node }) => node));
  const acted = new Map(
    instance.timeline.filter(({ node }) => node !== null).map((line) => [line.node, line]),
  );
  const ended = !["running"].includes(instance.state);
  const stageOf = (key: string, type: string): Stage => {
    if (here.has(key)) return "here";
    const line = acted.get(key);
    if (line) return REFUSALS.has(line.action) ? "refused" : "passed";
    if (type === "start" || (type === "end" && ended && instance.state !== "rejected")) return "passed";
    return "ahead";
  };
  const nodes: FlowNode[] = instance.graph.nodes.map(({ key, type, title, position }, place) => {
    const there = open.filter(({ node }) => node === key);
    const line = acted.get(key);
    const passed = line && line.actor !== "system" ? [line.actor] : [];
    return {
      id: key,
      type: "step",
      position: { x: (position?.x ?? place * 180) * SPREAD, y: position?.y ?? 0 },
      data: {
        title,
        type,
        stage: stageOf(key, type),
        people: there.length > 0 ? there.map(({ assignee }) => assignee) : passed,
        since: there[0]?.created_at ?? line?.at ?? null,
      },
    };
  });
  const stages = new Map(nodes.map(({ id, data }) => [id, data]));
  // A branch that nobody acts on was walked when what lies behind it was reached.
  const reached = (key: string): boolean => {
    const data = stages.get(key);
    return data !== undefined && data.stage !== "ahead";
  };
  for (const { from, to } of instance.graph.edges) {
    const data = stages.get(from);
    if (data && data.stage === "ahead" && data.type !== "approval" && reached(to)) data.stage = "passed";
  }
  const edges = instance.graph.edges.map(({ from, to }) => ({
    id: `${from}-${to}`,
    source: from,
    target: to,
    data: { walked: reached(from) && stages.get(from)?.stage !== "here" && reached(to) },
  }));
  return { nodes, edges };
}

function Step({ data }: NodeProps<FlowNode>) {
  const { token } = theme.useToken();
  const { instant } = useFormats();
  const colours: Record<Stage, string> = {
    passed: token.colorSuccess,
    here: token.colorPrimary,
    refused: token.colorError,
    ahead: token.colorTextDisabled,
  };
  const icons = {
    passed: <CheckCircleFilled {...QUIET} />,
    here: <ClockCircleFilled {...QUIET} />,
    refused: <CloseCircleFilled {...QUIET} />,
    ahead: null,
  };
  const ahead = data.stage === "ahead";
  return (
    <div
      style={{
        minWidth: 112,
        padding: "8px 12px",
        borderRadius: 8,
        background: data.stage === "here" ? token.colorPrimaryBg : token.colorBgContainer,
        border: `${data.stage === "here" ? 2 : 1}px ${ahead ? "dashed" : "solid"} ${colours[data.stage]}`,
        fontSize: 13,
      }}
    >
      <Handle type="target" position={Position.Left} style={{ visibility: "hidden" }} />
      <div style={{ fontWeight: 600, color: ahead ? token.colorTextSecondary : token.colorText }}>
        <span style={{ color: colours[data.stage] }}>{icons[data.stage]}</span> {data.title}
      </div>
      {data.people.map((username) => (
        <div key={username}>
          <Person username={username} />
        </div>
      ))}
      {data.since && data.people.length > 0 && (
        <div style={{ color: token.colorTextSecondary, fontSize: 12 }}>{instant(data.since)}</div>
      )}
      <Handle type="source" position={Position.Right} style={{ visibility: "hidden" }} />
    </div>
  );
}
