"""How many operations are written at once: as many as fit into the time that a worker may have to wait."""

from incidents.operations.slices import FEWEST, MOST, TARGET_SECONDS, SliceSize


def test_a_slice_shrinks_with_the_machine() -> None:
    """What takes four times too long is a quarter the next time, and never less than the fewest."""
    size = SliceSize(1_000)
    size.took(1_000, TARGET_SECONDS * 4)
    assert size.number == 250
    size.took(250, 60)
    assert size.number == FEWEST


def test_a_slice_grows_step_by_step() -> None:
    """A quick one is doubled, up to the most that one chunk holds."""
    size = SliceSize(800)
    size.took(800, TARGET_SECONDS / 10)
    assert size.number == 1_600
    size.took(1_600, 0)
    assert size.number == MOST


def test_a_few_say_nothing() -> None:
    """A slice of a handful, as a rate or a chunk's end makes it, is no measure."""
    size = SliceSize(1_000)
    size.took(FEWEST - 1, 5)
    assert size.number == 1_000


def test_what_is_left_goes_in_equal_parts() -> None:
    """A quarter more is taken at once; else no slice is left with a handful."""
    size = SliceSize(1_600)
    assert size.of(2_000) == 2_000
    assert size.of(2_001) == 1_001
    assert SliceSize(300).of(2_000) == 334
    assert size.of(1) == 1
