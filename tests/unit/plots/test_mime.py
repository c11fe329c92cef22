"""How a chart shows itself: for JupyterLab, for what shows only images, for who chose otherwise."""

import base64
import re
import struct
import sys
import zlib

import altair as alt
import pandas as pd
import pytest
import vl_convert

from inductiva_widgets import plots
from inductiva_widgets.plots import _mime

LAB = "application/vnd.vegalite.v5+json"


@pytest.fixture
def chart(frames):
    return plots.statuses(frames[50])


def bundle(chart):
    return chart._repr_mimebundle_(include=None, exclude=None)


def test_mimebundle_has_vega_lite_5_png_and_text(chart):
    data, metadata = bundle(chart)
    assert list(data) == [LAB, "text/plain", "image/png"]
    assert data[LAB]["$schema"].endswith("vega-lite/v5.json")
    assert data["text/plain"] == "Share of each status by simulator. 50 tasks."
    assert metadata["image/png"]["alt"] == data["text/plain"]


def test_texts_take_the_colour_of_the_page_and_the_background_is_its_own(chart):
    spec = bundle(chart)[0][LAB]
    assert spec["background"] == "transparent"
    embed = spec["usermeta"]["embedOptions"]
    assert embed["renderer"] == "svg"
    # A PNG from a dark page would have black texts on no background.
    assert embed["actions"]["export"] == {"svg": True, "png": False}
    assert (
        spec["config"]["axis"]["labelColor"] == spec["config"]["title"]["color"] == "currentColor"
    )


def texts_of(svg):
    return set(re.findall(r'<text[^>]* fill="([^"]+)"', svg))


@pytest.mark.parametrize(("background", "ink"), [("white", "black"), ("#111", "white")])
@pytest.mark.parametrize("name", sorted(set(plots.__all__) - {"Chart"}))
def test_texts_of_a_file_contrast_with_its_background(frames, name, background, ink):
    chart = getattr(plots, name)(frames[50]).properties(background=background)
    assert texts_of(vl_convert.vegalite_to_svg(chart.to_dict())) == {ink}


def test_chart_on_its_own_background_does_not_take_the_colours_of_the_page(chart):
    spec = bundle(chart.properties(background="#111"))[0][LAB]
    assert texts_of(vl_convert.vegalite_to_svg(spec, vl_version="5.20")) == {"white"}


def test_png_has_twice_the_display_size(chart):
    data, metadata = bundle(chart)
    image = base64.b64decode(data["image/png"])
    width, height = struct.unpack(">II", image[16:24])
    size = metadata["image/png"]
    assert (width // 2, height // 2) == (size["width"], size["height"])
    at, names = 8, []
    while at < len(image):
        length, name = struct.unpack(">I4s", image[at : at + 8])
        body = image[at + 4 : at + 8 + length]
        assert struct.unpack(">I", image[at + 8 + length : at + 12 + length]) == (zlib.crc32(body),)
        names.append(name)
        at += 12 + length
    assert (names[0], names[-2:]) == (b"IHDR", [b"IDAT", b"IEND"])
    assert len(image) < 60_000


def test_without_vl_convert_the_image_is_left_to_jupyterlab(chart, monkeypatch):
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    assert list(bundle(chart)[0]) == [LAB, "text/plain"]


def test_png_error_warns_and_shows_the_chart(chart):
    away = alt.Chart("https://example.invalid/data.csv").mark_point().encode(x="a:Q")
    with pytest.warns(UserWarning, match="keeps no image"):
        data, _ = bundle(chart | away)
    assert list(data) == [LAB, "text/plain"]


def test_renderer_that_was_enabled_on_purpose_is_honoured(chart):
    with alt.renderers.enable("json"):
        data = bundle(chart)
    shown = data[0] if isinstance(data, tuple) else data
    assert LAB not in shown
    assert "application/json" in shown


def test_nothing_of_altair_is_set_for_the_user(chart):
    def settings():
        return (alt.renderers.active, dict(alt.renderers.options), alt.data_transformers.active)

    before = settings()
    bundle(chart)
    chart.to_dict()
    assert settings() == before
    plain = alt.Chart(alt.Data(values=[])).mark_point()
    assert "axis" not in plain.to_dict()["config"]
    assert LAB not in plain._repr_mimebundle_()


def test_charts_that_are_joined_show_themselves_as_pictures_do(chart, frames):
    plain = alt.Chart(alt.Data(values=[{"v": 1}])).mark_rule().encode(x="v:Q")
    other = plots.costs(frames[50])
    for joined in (chart | other, chart & other, (chart | other) & chart, other + plain):
        data, _ = bundle(joined)
        assert list(data) == [LAB, "text/plain", "image/png"]
        assert data[LAB]["config"]["title"]["fontSize"] == _mime.LOOK["title"]["fontSize"]
    assert data["text/plain"].startswith("Cost per hour by project")
    # A colour means another group in each.
    assert (chart | other).to_dict()["resolve"]["scale"]["color"] == "independent"
    # Altair's own functions take them too; what they make is Altair's own.
    assert type(alt.hconcat(chart, other)) is alt.HConcatChart


def test_own_settings_win(chart):
    own = chart.properties(title="Mine", width=200, background="pink").configure_axis(
        labelColor="red"
    )
    spec = bundle(own)[0][LAB]
    assert (spec["title"], spec["width"], spec["background"]) == ("Mine", 200, "pink")
    assert spec["config"]["axis"]["labelColor"] == "red"
    assert "contrast" in spec["config"]["axis"]["titleColor"]["expr"]


@pytest.mark.parametrize("kind", ["png", "svg", "html", "json"])
def test_charts_are_saved_as_any_of_altair(chart, tmp_path, kind):
    chart.save(tmp_path / f"chart.{kind}")
    assert (tmp_path / f"chart.{kind}").stat().st_size > 1000


def test_still_is_none_without_its_maker(monkeypatch):
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    assert _mime.png_of({}) is None


def test_custom_charts_have_the_same_display_and_can_be_joined(chart):
    runs = pd.DataFrame({"rain": [0.8, 1.0], "flood": [0, 173]})
    own = plots.Chart(runs, title="Flooded water").mark_line().encode(x="rain", y="flood")
    data, _ = bundle(own)
    assert list(data) == [LAB, "text/plain", "image/png"]
    assert data["text/plain"] == "Flooded water"
    assert data[LAB]["background"] == "transparent"
    both, _ = bundle(own | chart)
    assert both["text/plain"] == "Flooded water Share of each status by simulator. 50 tasks."


def test_titles_of_several_lines_are_the_words_of_a_chart():
    own = plots.Chart(alt.Data(values=[{}]), title=alt.TitleParams(["Two", "lines"])).mark_point()
    assert bundle(own)[0]["text/plain"] == "Two lines"


def test_durations_of_a_task_frame_are_drawn_in_seconds(frames):
    frame = frames[50]
    own = plots.Chart(frame).mark_point().encode(x="submitted", y="queue_time", color="status")
    spec = own.to_dict()
    assert spec["encoding"]["y"]["type"] == "quantitative"
    (rows,) = spec["datasets"].values()
    drawn = [row["queue_time"] for row in rows if row["queue_time"] is not None]
    assert drawn == frame["queue_time"].dropna().dt.total_seconds().tolist()
    assert frame["queue_time"].dtype.kind == "m"
