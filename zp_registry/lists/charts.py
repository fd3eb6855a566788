"""Bar charts on summary sheets, drawn by the spreadsheet program from the cells beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from openpyxl.chart import BarChart, Reference
from openpyxl.chart.label import DataLabelList
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.chart.text import RichText
from openpyxl.drawing.line import LineProperties
from openpyxl.drawing.text import CharacterProperties, Paragraph, ParagraphProperties
from openpyxl.worksheet.worksheet import Worksheet


def bar_chart(
    ws: Worksheet,
    *,
    title: str,
    header_row: int,
    last_row: int,
    columns: tuple[int, int],
    at_row: int,
    width_cm: float = 18,
    stacked: bool = False,
    colours: Sequence[str] = (),
    lying: bool = False,
) -> int:
    """A bar chart of the count columns ``columns`` (first, last) over the names in column 1; series named by ``header_row``.

    Many names make the bars lie, so that each name stays readable. Gives the last row that the chart covers.
    """
    chart: Any = BarChart()
    names = last_row - header_row
    lying = lying or names > 12
    chart.type, chart.title = "bar" if lying else "col", title
    chart.title.tx.rich.p[0].pPr = ParagraphProperties(defRPr=CharacterProperties(sz=1300, b=True))
    chart.title.tx.rich.p[0].r[0].rPr = CharacterProperties(sz=1300, b=True)
    values = Reference(ws, min_col=columns[0], max_col=columns[1], min_row=header_row, max_row=last_row)
    chart.add_data(values, titles_from_data=True)
    chart.set_categories(Reference(ws, min_col=1, min_row=header_row + 1, max_row=last_row))
    for series, colour in zip(chart.series, colours, strict=False):
        series.graphicalProperties.solidFill = colour
    if stacked:
        chart.grouping, chart.overlap = "stacked", 100
    if columns[0] == columns[1]:
        chart.legend = None
        chart.dataLabels = DataLabelList()
        chart.dataLabels.showVal = True
        for hidden in ("showSerName", "showCatName", "showLegendKey", "showPercent"):
            setattr(chart.dataLabels, hidden, False)
    else:
        chart.legend.position = "b"
    chart.gapWidth = 50
    # openpyxl leaves ``delete`` unset, which newer programs read as "no axis".
    chart.x_axis.delete = chart.y_axis.delete = False
    chart.y_axis.number_format = "0"
    chart.y_axis.majorGridlines.spPr = GraphicalProperties(ln=LineProperties(solidFill="D9D9D9"))
    chart.x_axis.tickLblSkip = 1
    small = Paragraph(pPr=ParagraphProperties(defRPr=CharacterProperties(sz=800)), endParaRPr=CharacterProperties())
    chart.x_axis.txPr = RichText(p=[small])
    if lying:  # the first name on top, the numbers still below
        chart.x_axis.scaling.orientation, chart.y_axis.crosses = "maxMin", "max"
    chart.width, chart.height = width_cm, max(8.5, 2.5 + 0.55 * names) if lying else 8.5
    ws.add_chart(chart, f"A{at_row}")
    return at_row + int(chart.height / 0.5) + 1
