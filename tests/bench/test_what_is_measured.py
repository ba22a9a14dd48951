"""What the bench measures by itself really runs; its figures are for `make bench`."""

from __future__ import annotations

from tests.bench import authentication, flow_engine


def test_both_engines_walk_the_flows_that_are_measured() -> None:
    figures = flow_engine.measure(walks=1, spiff_steps=1)
    assert set(figures) == {"engine_step_ms", "spiff_step_ms", "instance_state_bytes"}
    assert all(figure > 0 for figure in figures.values())


def test_a_caller_with_a_scope_signs_in_and_is_let_through() -> None:
    assert authentication.measure(times=1)["auth_ms"] > 0
