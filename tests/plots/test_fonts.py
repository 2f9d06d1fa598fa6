"""Characters come from fonts that have them, and files hold fonts that readers can show."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from visualizer.plots import fonts, head


def test_the_fonts_of_the_settings_come_first():
    assert fonts.families_for(frozenset("abc")) == (["sans-serif"], frozenset())


def test_other_fonts_are_asked_only_for_what_is_missing(rare, install):
    install("Rare Sans")
    install("Rarer Sans")
    assert fonts.families_for(frozenset(f"a{rare}")) == (["sans-serif", "Rare Sans"], frozenset())


def test_what_no_font_has_is_told(rare):
    assert fonts.families_for(frozenset(f"a{rare}")) == (["sans-serif"], frozenset(rare))


def test_known_fonts_come_before_others_and_of_them_truetype_first(rare, install):
    install("A Sans")
    install("Noto Sans CJK SC", truetype=False)
    assert fonts.families_for(frozenset(rare))[0][-1] == "Noto Sans CJK SC"
    install("SimHei")
    assert fonts.families_for(frozenset(rare))[0][-1] == "SimHei"


@pytest.mark.parametrize("family", ["Last Resort Sans", "LastResort"])
def test_fonts_of_boxes_for_every_character_are_not_taken(rare, install, family):
    install(family)
    assert fonts.families_for(frozenset(rare)) == (["sans-serif"], frozenset(rare))


@pytest.mark.parametrize(("truetype", "kind"), [(True, b"/FontFile2"), (False, b"/Type3")])
def test_pdf_files_hold_a_found_font_in_a_form_that_can_be_shown(rare, install, tmp_path, truetype, kind):
    install("Rare Sans", truetype=truetype)
    figure = head(np.eye(2), tokens=["a", rare], title=rare)
    figure.savefig(tmp_path / "figure.pdf")
    content = (tmp_path / "figure.pdf").read_bytes()
    assert [form for form in (b"/FontFile2", b"/Type3") if form in content] == [kind]
    assert b"RareSans" in content


def test_a_font_that_is_not_used_does_not_matter(rare, install):
    install("Rare Sans", truetype=False)
    with plt.rc_context({"font.family": ["sans-serif", "Rare Sans"]}):
        assert fonts.all_truetype(head(np.eye(2)))
        assert not fonts.all_truetype(head(np.eye(2), title=rare))
