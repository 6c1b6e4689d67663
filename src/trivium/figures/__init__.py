"""Charts and tables as values, for the terminal and for pages."""

from trivium.figures._bars import Bar, BarChart, bar_chart
from trivium.figures._figure import Figure, SvgFigure
from trivium.figures._lines import LineChart, Series, Sparkline, line_chart, sparkline
from trivium.figures._table import Table, table
from trivium.figures._text import clip, pad, width_of

__all__ = [
    "Bar",
    "BarChart",
    "Figure",
    "LineChart",
    "Series",
    "Sparkline",
    "SvgFigure",
    "Table",
    "bar_chart",
    "clip",
    "line_chart",
    "pad",
    "sparkline",
    "table",
    "width_of",
]
