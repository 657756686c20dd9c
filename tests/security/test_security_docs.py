"""The security page answers every requirement once, by a file that is there or a reason."""

import re
from collections import Counter

from embedded import paths

REQUIREMENT = re.compile(r"^\| (\d+\.\d+\.\d+) \| (.+) \| (.+) \|$", re.MULTILINE)
# ASVS 5.0 has 70 requirements of level 1 and 183 of level 2.
REQUIREMENTS = 253


def test_every_requirement_of_asvs_level_2_is_answered_once() -> None:
    """With how it is met, and by what that is shown."""
    found = REQUIREMENT.findall((paths.ROOT / "docs/security.md").read_text())
    counted = Counter(number for number, _, _ in found)
    assert len(found) == REQUIREMENTS
    assert [number for number, count in counted.items() if count > 1] == []
    assert all(how.strip() and shown.strip() for _, how, shown in found)
