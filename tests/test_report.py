"""The report: counts that hide nothing, one self-contained page, no run mixed with another."""

import json
import re
import shutil
import subprocess
from html import escape
from html.parser import HTMLParser

import pytest

from figures.__main__ import main
from figures._all import STUDIES
from figures.report import _margin
from figures.report._stories import notation, story
from figures.report._summary import found
from tests.tiny_figures import install, tiny

CLAIMS = ("WME18.eq4", "WME18.fig2", "WME18.eq3", "WME18.fig2-B")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Page(HTMLParser):
    """What a page refers to and what can be referred to."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.sources, self.alts, self.open = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found["href"]] if tag == "a" else []
        self.sources += [found[name] for name in ("src", "srcset", "data", "poster") if name in found]
        self.alts += [found.get("alt", "")] if tag == "img" else []
        self.open += [tag] if tag in ("script", "link", "iframe", "object") else []


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A report of four figures: an exact and two corrected claims that agree, and a row that is not judged."""
    directory, passed = tmp_path_factory.mktemp("drawn"), (True, True, True, None)
    with pytest.MonkeyPatch.context() as monkeypatch:
        install(monkeypatch, *(tiny(f"fig{k}", passed[k], claim) for k, claim in enumerate(CLAIMS)))
        assert main(["--out", str(directory)]) == 0
    return directory


def text(directory, name="report.md"):
    return (directory / name).read_text(encoding="utf-8")


def test_page_is_one_file_whose_links_lead_somewhere(drawn):
    """Every id once, every link to an id or a file that is there, every picture inside and described."""
    page = Page(text(drawn, "report.html"))
    assert len(set(page.ids)) == len(page.ids) and set(CLAIMS) <= set(page.ids)
    assert not page.open and all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert len(page.alts) == 4 + 2 and all(page.alts)  # four figures, two thumbnails of what is wrong
    for link in page.links:
        assert link[1:] in page.ids if link.startswith("#") else (drawn / link).exists(), link
    assert not re.search(r"url\(|@import|https?:", text(drawn, "report.html"))


def test_wrong_claims_come_first_and_say_what_holds(drawn):
    for name in ("report.html", "report.md"):
        content = text(drawn, name)
        first = content.index("What the sources got wrong")
        assert first < content.index(
            "which minima can SGD keep?</h2>" if name.endswith("html") else "## Linear stability"
        )
        assert "half-ellipse" in content[first:] and "Fig. 2" in content


def test_counts_hide_nothing(drawn):
    """One of four rows was not judged: neither counted nor printed as agreeing; statuses and evidence are counted."""
    for name in ("report.html", "report.md"):
        content = text(drawn, name)
        assert "4 rows: 3 agree, 0 differ, 1 not judged" in content
        assert "2 exact (2 proved), 2 corrected (1 enumerated, 1 simulated)" in content
        assert "claims in the ledger were not drawn" in content and "All data are synthetic" in content
    assert "**not judged** |" in text(drawn) and not re.search("all (hold|agree)", text(drawn), re.IGNORECASE)


def test_tables_have_the_columns_of_a_row(drawn):
    columns = ("claim", "quantity", "predicted", "measured", "tolerance", "null", "kind", "verdict")
    assert f"| {' | '.join(columns)} |" in text(drawn)
    assert "".join(f"<th>{name}</th>" for name in columns) in text(drawn, "report.html")


def test_another_run_in_the_same_directory_is_left_out(tmp_path, monkeypatch):
    """Another seed: its report counts the others as left out, and an old row that differs does not speak in it."""
    drawn = tmp_path
    install(monkeypatch, tiny("fig0", False), tiny("fig1", True, CLAIMS[1]))
    assert main(["fig0", "--out", str(drawn)]) == 1
    assert "**differs**" in text(drawn)
    assert main(["fig1", "--out", str(drawn), "--seed", "1"]) == 0
    assert "1 figure, 1 claim, 1 row: 1 agree, 0 differ" in text(drawn) and "differs**" not in text(drawn)
    assert "1 figure in this directory from other runs" in text(drawn)


def test_run_says_hour_and_machine_and_nothing_else_does(drawn):
    run = json.loads(text(drawn, "run.json"))
    assert {"version", "effort", "seed", "data", "machine", "started", "seconds"} <= set(run)
    for path in drawn.glob("fig*.json"):
        record = json.loads(path.read_text(encoding="utf-8"))
        assert set(record) == {
            "figure",
            "title",
            "caption",
            "effort",
            "seed",
            "data",
            "version",
            "source",
            "error",
            "rows",
        }


def test_what_is_written_is_escaped(tmp_path, monkeypatch):
    install(monkeypatch, tiny("one", raises=ValueError("a|b <b>bad</b>")))
    assert main(["--out", str(tmp_path)]) == 1
    assert escape("a|b <b>bad</b>") in text(tmp_path, "report.html") and "<b>bad" not in text(tmp_path, "report.html")


def test_what_theory_alone_gives_is_not_called_measured():
    row = {"kind": "simulated", "measured": "3"}
    assert found(row) == "3" and found(row | {"kind": "algebra"}) == "computed: 3"


def test_margin_bars_are_ordered_and_stay_inside():
    margins = (-1e9, -50, -1, -0.5, 0, 0.5, 1, 50, 1e9)
    places = [_margin.position(margin) for margin in margins]
    assert places == sorted(places) and 0 < places[0] and places[-1] < _margin.WIDTH
    assert places[6] - places[4] == _margin.UNIT == places[4] - places[2]
    assert "the null +7" in _margin.bar({"margin": 0.1, "null_margin": 7.0})
    assert "svg" not in _margin.bar({"margin": None, "null_margin": None})
    assert "measured" not in _margin.bar({"kind": "algebra", "margin": 0.1, "null_margin": None})


def test_each_study_has_its_story_and_symbols():
    for study in STUDIES:
        assert story(study).symbols and 2 <= story(study).text.count(". ") + 1 <= 5


@pytest.mark.parametrize("text", ["a, b : first\n    of all\nκ : |v|²",
                                  "====  ====\na, b  first of all\nκ     |v|²\n====  ===="])
def test_symbols_are_those_of_the_docstring(text):
    assert notation(f"Setting.\n\nNotation\n--------\n{text}\n\nMore : of it.\n") == {
        "a, b": "first of all",
        "κ": "|v|²",
    }


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_in_a_browser_nothing_overflows_and_no_picture_is_missing(drawn, tmp_path):
    """At 400 and 1200 pixels, everything unfolded; the null, a page with a wide block and a broken picture, is
    caught."""
    page = text(drawn, "report.html")
    null = page.replace(
        "<main>", '<main><div style="width:1500px">wide</div><img src="data:image/png;base64,AAAA" alt="no">'
    )
    seen = measured(tmp_path, [(page, 400), (page, 1200), (null, 400), (null, 1200)])
    assert seen[:2] == [[0, 0, 6], [0, 0, 6]]
    assert all(over > 0 and missing == 1 for over, missing, _ in seen[2:])


def measured(directory, pages):
    """[pixels too wide, missing pictures, pictures] of each page at its width."""
    frames = "".join(f'<iframe width="{width}" height="900" srcdoc="{escape(page)}"></iframe>' for page, width in pages)
    script = """<pre id="seen"></pre><script>onload = () => {
        const seen = [...document.querySelectorAll("iframe")].map(frame => {
            const page = frame.contentDocument, root = page.documentElement, pictures = [...page.images];
            page.querySelectorAll("details").forEach(part => part.open = true);
            return [root.scrollWidth - root.clientWidth, pictures.filter(picture => !picture.naturalWidth).length,
                    pictures.length];
        });
        document.getElementById("seen").textContent = "seen " + JSON.stringify(seen); }</script>"""
    path = directory / "frames.html"
    path.write_text(f'<!DOCTYPE html><meta charset="utf-8">{frames}{script}', encoding="utf-8")
    done = subprocess.run([CHROMIUM, *QUIET, f"--user-data-dir={directory / 'profile'}", "--dump-dom", path.as_uri()],
                          capture_output=True, text=True, timeout=120)
    return json.loads(re.search(r"seen (\[\[.*?\]\])", done.stdout)[1])
