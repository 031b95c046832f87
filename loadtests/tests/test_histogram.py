from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loadtests.histogram import bucket, percentile


@given(
    st.lists(st.floats(min_value=0.05, max_value=60_000), min_size=1), st.sampled_from((1, 50, 95, 99, 100))
)
def test_percentiles_are_within_one_percent_and_rounded_to_a_hundredth(
    times: list[float], percent: int
) -> None:
    nearest_rank = sorted(times)[max(-(-len(times) * percent // 100), 1) - 1]
    found = percentile(Counter(map(bucket, times)), percent)
    assert found == pytest.approx(nearest_rank, rel=0, abs=nearest_rank * 0.0101 + 0.005)


def test_nothing_measured_is_zero() -> None:
    assert percentile({}, 99) == 0
