"""Typefaces for random plates: free fonts that installed packages ship, and our own stroke alphabets.

No source names the typeface of Beninese plates (`formats.json`), and a reader must not depend on it. So the
training faces cover grotesques, humanists, a monospaced and a seriffed one, and stroke alphabets; the
held-out faces share no file and no stroke style with them, and only check what training has taught.

| name | from | licence |
|---|---|---|
| source_* | font-source-sans-pro: Source Sans Pro Semibold, Bold, Black | SIL Open Font License 1.1 |
| dejavu_* | matplotlib (comes with ultralytics): DejaVu four bold or plain faces | Bitstream Vera licence |
| stix_bold | matplotlib: STIX General Bold | STIX fonts licence |
| aileron | Pillow's own default font: Aileron Regular | CC0 |
| rubik_* | OpenCV's built-in "sans" face: Rubik | SIL Open Font License 1.1 |
| stroke_* | `recognition.synthesis.lettering` | ours |
| `SYSTEM_FACES` | Debian's font packages, for training only, where they are installed | in each package |
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from recognition.synthesis.lettering import Style, draw_character

FontSet: TypeAlias = Literal["train", "held_out", "wide"]
Mask: TypeAlias = NDArray[np.uint8]

#: Glyphs are kept at this height in pixels, with a margin above and below for tails (Q) and swelling.
GLYPH_HEIGHT, GLYPH_MARGIN = 80, 10

_SOURCE = ("font_source_sans_pro", "files/SourceSansPro-{}.ttf")
_MATPLOTLIB = ("matplotlib", "mpl-data/fonts/ttf/{}.ttf")
#: Name: package, path inside it.
_FILES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "source_semibold": (_SOURCE[0], _SOURCE[1].format("Semibold")),
        "source_bold": (_SOURCE[0], _SOURCE[1].format("Bold")),
        "source_black": (_SOURCE[0], _SOURCE[1].format("Black")),
        "dejavu": (_MATPLOTLIB[0], _MATPLOTLIB[1].format("DejaVuSans")),
        "dejavu_bold": (_MATPLOTLIB[0], _MATPLOTLIB[1].format("DejaVuSans-Bold")),
        "dejavu_mono_bold": (_MATPLOTLIB[0], _MATPLOTLIB[1].format("DejaVuSansMono-Bold")),
        "stix_bold": (_MATPLOTLIB[0], _MATPLOTLIB[1].format("STIXGeneralBol")),
        "dejavu_serif_bold": (_MATPLOTLIB[0], _MATPLOTLIB[1].format("DejaVuSerif-Bold")),
    }
)
_STROKES: Mapping[str, Style] = MappingProxyType(
    {
        "stroke_round": Style(width=0.4, stroke=0.14, radius=0.24),
        "stroke_narrow": Style(width=0.33, stroke=0.13, radius=0.17),
        "stroke_square": Style(width=0.42, stroke=0.15, radius=0.1),
        "stroke_soft": Style(width=0.44, stroke=0.13, radius=0.26, round_ends=True),
        "stroke_heavy": Style(width=0.4, stroke=0.19, radius=0.2),
        "stroke_wide": Style(width=0.45, stroke=0.16, radius=0.17, short_flag=True),
        # Held out: a middle radius with thin strokes, and an angular one.
        "stroke_thin": Style(width=0.37, stroke=0.105, radius=0.2, round_ends=True),
        "stroke_angular": Style(width=0.4, stroke=0.155, radius=0.055),
    }
)
_OWN_RENDERERS = frozenset({"aileron", "rubik_bold"})
_SYSTEM_FONTS = Path("/usr/share/fonts")
#: Faces of Debian packages by name: package, file below /usr/share/fonts. Drawing needs none of them;
#: training on the set "wide" takes those that are there (`missing_packages` names the others).
SYSTEM_FACES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "nimbus_bold": ("fonts-urw-base35", "opentype/urw-base35/NimbusSans-Bold.otf"),
        "nimbus_narrow": ("fonts-urw-base35", "opentype/urw-base35/NimbusSansNarrow-Bold.otf"),
        "liberation_narrow": ("fonts-liberation", "truetype/liberation/LiberationSansNarrow-Bold.ttf"),
        "liberation_mono": ("fonts-liberation", "truetype/liberation/LiberationMono-Bold.ttf"),
        "roboto_medium": ("fonts-roboto-unhinted", "truetype/roboto/unhinted/RobotoTTF/Roboto-Medium.ttf"),
        "roboto_black": ("fonts-roboto-unhinted", "truetype/roboto/unhinted/RobotoTTF/Roboto-Black.ttf"),
        "roboto_condensed": ("fonts-roboto-unhinted", "truetype/roboto/unhinted/RobotoCondensed-Bold.ttf"),
        "roboto_narrow": ("fonts-roboto-unhinted", "truetype/roboto/unhinted/RobotoCondensed-Medium.ttf"),
        "open_condensed": ("fonts-open-sans", "truetype/open-sans/OpenSans-CondBold.ttf"),
        "lato_bold": ("fonts-lato", "truetype/lato/Lato-Bold.ttf"),
        "bebas_bold": ("fonts-bebas-neue", "opentype/bebas-neue/BebasNeue-Bold.otf"),
        "bebas": ("fonts-bebas-neue", "opentype/bebas-neue/BebasNeue-Regular.otf"),
        "routed": ("fonts-routed-gothic", "truetype/routed-gothic/routed-gothic.ttf"),
        "routed_narrow": ("fonts-routed-gothic", "truetype/routed-gothic/routed-gothic-narrow.ttf"),
        "din": ("fonts-opendin", "truetype/opendin/OSP-DIN.ttf"),
        "iso_drawing": ("fonts-osifont", "truetype/osifont/osifont.ttf"),
        "play_bold": ("fonts-play", "truetype/play/Play-Bold.ttf"),
        "b612_bold": ("fonts-b612", "opentype/b612/B612-Bold.otf"),
        "b612_mono": ("fonts-b612", "opentype/b612/B612Mono-Bold.otf"),
        "dosis_bold": ("fonts-dosis", "opentype/dosis/Dosis-ExtraBold.otf"),
        "spartan_bold": ("fonts-league-spartan", "opentype/league-spartan/LeagueSpartan-SemiBold.otf"),
        "hack_bold": ("fonts-hack", "truetype/hack/Hack-Bold.ttf"),
        "cabin_bold": ("fonts-cabin", "opentype/cabin/Cabin-Bold.otf"),
        "tuffy_bold": ("fonts-tuffy", "truetype/tuffy/Tuffy_Bold.ttf"),
        "slab_bold": ("fonts-roboto-slab", "opentype/roboto/slab/RobotoSlab-Bold.otf"),
    }
)

_TRAIN: Mapping[str, float] = MappingProxyType(
    {
        "source_semibold": 1.0, "source_bold": 1.5, "source_black": 0.7, "dejavu": 0.7,
        "dejavu_bold": 1.2, "dejavu_mono_bold": 0.7, "stix_bold": 0.3, "dejavu_serif_bold": 0.3,
        "stroke_round": 2.0, "stroke_narrow": 1.5, "stroke_square": 1.0, "stroke_soft": 1.0,
        "stroke_heavy": 0.8, "stroke_wide": 2.0,
    }
)  # fmt: skip
_INSTALLED = [name for name, (_, path) in SYSTEM_FACES.items() if (_SYSTEM_FONTS / path).is_file()]
#: Faces and their weights: the plate-like stroke alphabets and grotesques come most often.
FONT_WEIGHTS: Mapping[FontSet, Mapping[str, float]] = MappingProxyType(
    {
        "train": _TRAIN,
        "held_out": MappingProxyType(
            {"aileron": 1.0, "rubik_bold": 1.0, "stroke_thin": 1.0, "stroke_angular": 1.0}
        ),
        "wide": MappingProxyType({**_TRAIN, **dict.fromkeys(_INSTALLED, 0.6)}),
    }
)


def missing_packages() -> list[str]:
    """Debian packages of `SYSTEM_FACES` whose files are not there; the set "wide" is poorer without them."""
    return sorted({package for name, (package, _) in SYSTEM_FACES.items() if name not in _INSTALLED})


@lru_cache(maxsize=4096)
def glyph(font: str, char: str, boldness: int = 0) -> Mask:
    """The character as a grey mask of GLYPH_HEIGHT plus margins, cut to its ink in width.

    `boldness` swells (positive) or thins (negative) the strokes by that many pixels of the mask. Thin
    faces are swollen to a plate's weight first. The array is shared: do not write into it. Raises KeyError
    for an unknown font and ModuleNotFoundError when its package is missing.
    """
    import cv2

    mask = _rendered(font, char)
    swell = boldness + _SWELL.get(font, 0)
    if swell:
        mask = np.pad(mask, ((0, 0), (abs(swell), abs(swell))))
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * abs(swell) + 1, 2 * abs(swell) + 1))
        mask = np.asarray((cv2.dilate if swell > 0 else cv2.erode)(mask, kernel), dtype=np.uint8)
    columns = np.flatnonzero(mask.max(axis=0) > 40)
    return np.ascontiguousarray(mask[:, columns[0] : columns[-1] + 1])


#: Text faces are lighter than plates.
_SWELL = {"dejavu": 2, "aileron": 2, "bebas": 1, "routed": 2, "routed_narrow": 2, "iso_drawing": 3}


def _rendered(font: str, char: str) -> Mask:
    if font in _STROKES:
        return np.asarray(draw_character(char, _STROKES[font], GLYPH_HEIGHT, GLYPH_MARGIN), dtype=np.uint8)
    if font == "rubik_bold":
        return _opencv_character(char)
    loaded, top, bottom = _loaded(font)
    left, _, right, lowest = loaded.getbbox(char)
    rows = max(bottom, round(lowest)) - top
    mask = Image.new("L", (round(right - left) + 8, rows), 0)
    ImageDraw.Draw(mask).text((4 - left, -top), char, fill=255, font=loaded)
    share = GLYPH_HEIGHT / (bottom - top)
    # A tail longer than the margin (the J of DejaVu) is squeezed into it: plates have no room for more.
    height = min(round(rows * share), GLYPH_HEIGHT + GLYPH_MARGIN)
    drawn = mask.resize((max(1, round(mask.width * share)), height), Image.Resampling.LANCZOS)
    padded = np.zeros((GLYPH_HEIGHT + 2 * GLYPH_MARGIN, drawn.width), np.uint8)
    padded[GLYPH_MARGIN : GLYPH_MARGIN + height] = np.asarray(drawn)
    return padded


@lru_cache(maxsize=64)
def _loaded(font: str) -> tuple[ImageFont.FreeTypeFont, int, int]:
    """The font at twice the glyph size, and the rows where its H begins and ends."""
    size = round(GLYPH_HEIGHT * 2 / 0.7)
    if font == "aileron":
        loaded = ImageFont.load_default(size)
        if not isinstance(loaded, ImageFont.FreeTypeFont):
            raise ModuleNotFoundError("Drawing plates needs a Pillow with FreeType")
    else:
        path = _SYSTEM_FONTS / SYSTEM_FACES[font][1] if font in SYSTEM_FACES else _file(*_FILES[font])
        loaded = ImageFont.truetype(str(path), size)
    _, top, _, bottom = loaded.getbbox("H")
    return loaded, round(top), round(bottom)


def _file(package: str, path: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"Drawing plates needs a font of the package {package}")
    return Path(spec.origin).parent / path


def _opencv_character(char: str) -> Mask:
    """The character in OpenCV's built-in face, bold."""
    import cv2

    face, size = cv2.FontFace("sans"), round(GLYPH_HEIGHT / 0.7)
    canvas = np.zeros((GLYPH_HEIGHT + 2 * GLYPH_MARGIN, 3 * GLYPH_HEIGHT, 3), np.uint8)
    base = (GLYPH_HEIGHT // 2, GLYPH_MARGIN + GLYPH_HEIGHT)
    cv2.putText(canvas, char, base, (255, 255, 255), face, size, 600)
    return np.ascontiguousarray(canvas[:, :, 0])
