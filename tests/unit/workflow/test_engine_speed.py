"""The engine's bench measures it and its peer on flows that both really walk."""

from __future__ import annotations

from tests.bench.flow_engine import measure


def test_both_engines_walk_the_flows_that_are_measured() -> None:
    figures = measure(walks=1, spiff_steps=1)
    assert set(figures) == {"engine_step_ms", "spiff_step_ms", "instance_state_bytes"}
    assert all(figure > 0 for figure in figures.values())
