"""Charts and tables as values, for the terminal and for pages."""

from trivium.figures._axes import month_text, short
from trivium.figures._bars import Bar, BarChart, bar_chart
from trivium.figures._curve import BandCurve, band_curve
from trivium.figures._fan import Band, FanChart, fan_chart
from trivium.figures._figure import Figure, SvgFigure
from trivium.figures._heat import Heat, HeatMap, heat_map
from trivium.figures._ladder import Comes, Ladder, ladder
from trivium.figures._lines import LineChart, Series, Sparkline, line_chart, sparkline
from trivium.figures._matrix import Matrix, Square, State, matrix
from trivium.figures._page import page_style
from trivium.figures._palette import SURFACE_COLOURS, colour_of
from trivium.figures._ranges import Between, Dumbbells, Moved, RangeBars, dumbbells, range_bars
from trivium.figures._ring import Arc, Line, Ring, ring
from trivium.figures._stacked import Layer, StackedBars, stacked_bars
from trivium.figures._table import Table, table
from trivium.figures._text import clip, markdown_text, one_line, pad, width_of
from trivium.figures._timeline import Mark, Span, Timeline, timeline
from trivium.figures._tornado import Ends, Tornado, tornado
from trivium.figures._waterfall import Leg, Waterfall, waterfall

__all__ = [
    "SURFACE_COLOURS",
    "Arc",
    "Band",
    "BandCurve",
    "Bar",
    "BarChart",
    "Between",
    "Comes",
    "Dumbbells",
    "Ends",
    "FanChart",
    "Figure",
    "Heat",
    "HeatMap",
    "Ladder",
    "Layer",
    "Leg",
    "Line",
    "LineChart",
    "Mark",
    "Matrix",
    "Moved",
    "RangeBars",
    "Ring",
    "Series",
    "Span",
    "Sparkline",
    "Square",
    "StackedBars",
    "State",
    "SvgFigure",
    "Table",
    "Timeline",
    "Tornado",
    "Waterfall",
    "band_curve",
    "bar_chart",
    "clip",
    "colour_of",
    "dumbbells",
    "fan_chart",
    "heat_map",
    "ladder",
    "line_chart",
    "markdown_text",
    "matrix",
    "month_text",
    "one_line",
    "pad",
    "page_style",
    "range_bars",
    "ring",
    "short",
    "sparkline",
    "stacked_bars",
    "table",
    "timeline",
    "tornado",
    "waterfall",
    "width_of",
]
