"""A flow as others read it: BPMN 2.0 XML that modelling tools open, and an SVG picture. Pure.

BPMN 2.0 (OMG formal/2011-01-03): people's nodes are user tasks, conditions exclusive gateways with their
default flow, splits and joins parallel gateways, copies send tasks, delays intermediate timer events, actions
service tasks with an error boundary event where they have a way for failures, sub-flows call activities.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as Xml

Node = Mapping[str, Any]
_BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
_DI = "http://www.omg.org/spec/BPMN/20100524/DI"
_DC = "http://www.omg.org/spec/DD/20100524/DC"
_DD = "http://www.omg.org/spec/DD/20100524/DI"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_PREFIXES = {"bpmn": _BPMN, "bpmndi": _DI, "dc": _DC, "di": _DD, "xsi": _XSI}
_ELEMENTS = {
    "start": "startEvent",
    "end": "endEvent",
    "approval": "userTask",
    "handling": "userTask",
    "condition": "exclusiveGateway",
    "split": "parallelGateway",
    "join": "parallelGateway",
    "cc": "sendTask",
    "delay": "intermediateCatchEvent",
    "action": "serviceTask",
    "subflow": "callActivity",
}
_EVENTS = ("start", "end", "delay")
_GATEWAYS = ("condition", "split", "join")
_STEP_X, _STEP_Y = 180, 110
_MARGIN = 40
_COLOURS = {"approval": "#e6f4ff", "handling": "#e6f4ff", "action": "#f6ffed", "cc": "#fff7e6"}
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_.-]")


def to_bpmn(key: str, name: str, graph: Mapping[str, Any]) -> str:
    """A graph as BPMN 2.0 XML with its diagram."""
    for prefix, space in _PREFIXES.items():
        Xml.register_namespace(prefix, space)
    ids = _ids(graph)
    root = Xml.Element(_q(_BPMN, "definitions"), {"id": "definitions", "targetNamespace": "urn:credit:flows"})
    process_id = f"flow_{_NOT_A_NAME.sub('_', key)}"
    process = _add(root, _BPMN, "process", id=process_id, name=name, isExecutable="true")
    boundaries: list[tuple[str, str]] = []
    for node in graph["nodes"]:
        _add_node(process, node, graph, ids, boundaries)
    for place, edge in enumerate(graph["edges"]):
        source = f"{ids[edge['from']]}_{edge['on']}" if edge.get("on") == "error" else ids[edge["from"]]
        flow = _add(
            process, _BPMN, "sequenceFlow", id=f"flow_{place}", sourceRef=source, targetRef=ids[edge["to"]]
        )
        if edge.get("when"):
            flow.set("name", str(edge.get("title") or edge["when"]))
            _formal(flow, "conditionExpression", str(edge["when"]))
    _add_diagram(root, process_id, graph, ids, boundaries)
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode", xml_declaration=True)


def to_svg(name: str, graph: Mapping[str, Any]) -> str:
    """A graph as a picture, with the nodes where they were drawn."""
    boxes = layout(graph)
    width = max(x + w for x, _, w, _ in boxes.values()) + _MARGIN
    height = max(y + h for _, y, _, h in boxes.values()) + _MARGIN
    svg = Xml.Element(
        "svg", {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {width} {height}", "font-size": "13"}
    )
    Xml.SubElement(svg, "title").text = name
    marker = Xml.SubElement(Xml.SubElement(svg, "defs"), "marker", _MARKER)
    Xml.SubElement(marker, "path", {"d": "M0,0 L10,5 L0,10 z", "fill": "#595959"})
    for edge in graph["edges"]:
        (x1, y1), (x2, y2) = _ends(boxes[edge["from"]], boxes[edge["to"]])
        ends = {"x1": f"{x1}", "y1": f"{y1}", "x2": f"{x2}", "y2": f"{y2}"}
        Xml.SubElement(svg, "line", {**ends, "stroke": "#595959", "marker-end": "url(#to)"})
        said = edge.get("title") or edge.get("when") or edge.get("on")
        if said:
            at = {"x": f"{(x1 + x2) // 2}", "y": f"{(y1 + y2) // 2 - 4}", "text-anchor": "middle"}
            Xml.SubElement(svg, "text", {**at, "fill": "#8c8c8c"}).text = str(said)
    for node in graph["nodes"]:
        _draw(svg, node, boxes[node["key"]])
    return Xml.tostring(svg, encoding="unicode")


def layout(graph: Mapping[str, Any]) -> dict[str, tuple[int, int, int, int]]:
    """(x, y, width, height) of every node: where it was drawn, else in columns by its way from the start."""
    placed = {
        node["key"]: _position(node) or _automatic(column, row)
        for (column, row), node in zip(_columns(graph), graph["nodes"], strict=True)
    }
    left = min((x for x, _ in placed.values()), default=0)
    top = min((y for _, y in placed.values()), default=0)
    found = {}
    for node in graph["nodes"]:
        x, y = placed[node["key"]]
        width, height = _size(node["type"])
        # Small shapes stand in the middle of the place that a task would take.
        across, down = (_size("approval")[0] - width) // 2, (_size("approval")[1] - height) // 2
        found[node["key"]] = (x - left + _MARGIN + across, y - top + _MARGIN + down, width, height)
    return found


# --- BPMN ------------------------------------------------------------------------------------------------


def _q(space: str, name: str) -> str:
    return f"{{{space}}}{name}"


def _add(parent: Xml.Element, space: str, element: str, /, **attributes: str) -> Xml.Element:
    return Xml.SubElement(parent, _q(space, element), attributes)


def _ids(graph: Mapping[str, Any]) -> dict[str, str]:
    """Names as XML wants them, one for each node."""
    return {node["key"]: f"node_{place}" for place, node in enumerate(graph["nodes"])}


def _add_node(
    process: Xml.Element,
    node: Node,
    graph: Mapping[str, Any],
    ids: Mapping[str, str],
    boundaries: list[tuple[str, str]],
) -> None:
    key, kind = node["key"], node["type"]
    made = _add(process, _BPMN, _ELEMENTS[kind], id=ids[key], name=str(node.get("title") or key))
    leaving = [(place, edge) for place, edge in enumerate(graph["edges"]) if edge["from"] == key]
    failing = [place for place, edge in leaving if edge.get("on") == "error"]
    for place, edge in enumerate(graph["edges"]):
        if edge["to"] == key:
            _add(made, _BPMN, "incoming").text = f"flow_{place}"
    for place, edge in leaving:
        if place not in failing:
            _add(made, _BPMN, "outgoing").text = f"flow_{place}"
            if kind == "condition" and not edge.get("when"):
                made.set("default", f"flow_{place}")
    if kind == "delay":
        timer = _add(made, _BPMN, "timerEventDefinition")
        if node.get("hours") is not None:
            _formal(timer, "timeDuration", f"PT{node['hours']}H")
        else:
            _formal(timer, "timeDate", str(node["field"]))
    if failing:
        error = f"{ids[key]}_error"
        boundaries.append((error, key))
        event = _add(process, _BPMN, "boundaryEvent", id=error, attachedToRef=ids[key])
        for place in failing:
            _add(event, _BPMN, "outgoing").text = f"flow_{place}"
        _add(event, _BPMN, "errorEventDefinition")


def _formal(parent: Xml.Element, name: str, text: str) -> None:
    said = _add(parent, _BPMN, name)
    said.set(_q(_XSI, "type"), "bpmn:tFormalExpression")
    said.text = text


def _add_diagram(
    root: Xml.Element,
    process_id: str,
    graph: Mapping[str, Any],
    ids: Mapping[str, str],
    boundaries: Sequence[tuple[str, str]],
) -> None:
    diagram = _add(root, _DI, "BPMNDiagram", id="diagram")
    plane = _add(diagram, _DI, "BPMNPlane", id="plane", bpmnElement=process_id)
    boxes = layout(graph)
    for node in graph["nodes"]:
        _shape(plane, ids[node["key"]], boxes[node["key"]])
    for identity, key in boundaries:
        x, y, width, height = boxes[key]
        _shape(plane, identity, (x + width - 36, y + height - 18, 36, 36))
    for place, edge in enumerate(graph["edges"]):
        line = _add(plane, _DI, "BPMNEdge", id=f"line_{place}", bpmnElement=f"flow_{place}")
        for x, y in _ends(boxes[edge["from"]], boxes[edge["to"]]):
            _add(line, _DD, "waypoint", x=str(x), y=str(y))


def _shape(plane: Xml.Element, identity: str, box: tuple[int, int, int, int]) -> None:
    shape = _add(plane, _DI, "BPMNShape", id=f"{identity}_shape", bpmnElement=identity)
    x, y, width, height = (str(one) for one in box)
    _add(shape, _DC, "Bounds", x=x, y=y, width=width, height=height)


# --- pictures --------------------------------------------------------------------------------------------

_MARKER = {"id": "to", "viewBox": "0 0 10 10", "refX": "9", "refY": "5", "markerWidth": "7", "orient": "auto"}


def _draw(svg: Xml.Element, node: Node, box: tuple[int, int, int, int]) -> None:
    x, y, width, height = box
    look = {"stroke": "#1677ff", "fill": _COLOURS.get(node["type"], "#ffffff")}
    if node["type"] in _EVENTS:
        middle = {"cx": f"{x + width // 2}", "cy": f"{y + height // 2}", "r": f"{width // 2}"}
        Xml.SubElement(svg, "circle", {**middle, **look})
    elif node["type"] in _GATEWAYS:
        across, down = x + width // 2, y + height // 2
        corners = ((across, y), (x + width, down), (across, y + height), (x, down))
        Xml.SubElement(svg, "polygon", {"points": " ".join(f"{a},{b}" for a, b in corners), **look})
    else:
        place = {"x": f"{x}", "y": f"{y}", "width": f"{width}", "height": f"{height}", "rx": "6"}
        Xml.SubElement(svg, "rect", {**place, **look})
    below = node["type"] in (*_EVENTS, *_GATEWAYS)
    at = {"x": f"{x + width // 2}", "y": f"{y + height + 16 if below else y + height // 2 + 5}"}
    text = str(node.get("title") or node["key"])
    Xml.SubElement(svg, "text", {**at, "text-anchor": "middle"}).text = text


def _ends(
    source: tuple[int, int, int, int], target: tuple[int, int, int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Where a line leaves one box and reaches another: on the sides that face each other."""
    (x1, y1, w1, h1), (x2, y2, w2, h2) = source, target
    if x2 >= x1 + w1:
        return (x1 + w1, y1 + h1 // 2), (x2, y2 + h2 // 2)
    if x1 >= x2 + w2:
        return (x1, y1 + h1 // 2), (x2 + w2, y2 + h2 // 2)
    down = y2 >= y1
    return (x1 + w1 // 2, y1 + (h1 if down else 0)), (x2 + w2 // 2, y2 + (0 if down else h2))


def _size(kind: str) -> tuple[int, int]:
    if kind in _EVENTS:
        return 36, 36
    return (50, 50) if kind in _GATEWAYS else (120, 60)


def _position(node: Node) -> tuple[int, int] | None:
    position = node.get("position")
    if not isinstance(position, Mapping):
        return None
    x, y = position.get("x"), position.get("y")
    return (int(x), int(y)) if isinstance(x, (int, float)) and isinstance(y, (int, float)) else None


def _automatic(column: int, row: int) -> tuple[int, int]:
    return column * _STEP_X, row * _STEP_Y


def _columns(graph: Mapping[str, Any]) -> list[tuple[int, int]]:
    """(column, row) of each node: as far from the start as its shortest way is long."""
    distance = {node["key"]: 0 for node in graph["nodes"] if node["type"] == "start"}
    todo = list(distance)
    for key in todo:
        for edge in graph["edges"]:
            if edge["from"] == key and edge["to"] not in distance:
                distance[edge["to"]] = distance[key] + 1
                todo.append(edge["to"])
    used: dict[int, int] = {}
    found = []
    for node in graph["nodes"]:
        column = distance.get(node["key"], 0)
        found.append((column, used.get(column, 0)))
        used[column] = used.get(column, 0) + 1
    return found
