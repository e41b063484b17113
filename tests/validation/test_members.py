"""Stacking datasets loses nothing."""

from hsgd import dataset
from tests.validation import curves
from validation.stacking import member, stack


def test_members_come_back_as_they_were_also_through_a_file(tmp_path):
    sizes, values = (0.01, 0.02, 0.02), (0.25, 0.5, 0.75)
    parts = [curves.theory(expected_discrepancy=size) for size in sizes]
    whole = stack(parts, "fraction", values, "fraction of critical")
    assert dataset.check(whole) is None
    kept = dataset.load(dataset.save(whole, tmp_path / "whole.nc"))
    for value, part in zip(values, parts, strict=True):
        for source in (whole, kept):
            one = member(source, "fraction", value)
            assert one.equals(part)
            assert one.attrs["expected_discrepancy"] == part.attrs["expected_discrepancy"]
            assert set(one.attrs) == set(part.attrs)
