// The one entry of the chart bundle: line charts on a canvas, with what is needed to draw them and nothing else of ECharts.
// Tooltips are drawn as well (richText): as HTML they would bring style attributes, which our policy refuses.
import { init, use } from "echarts/core";
import { LineChart } from "echarts/charts";
import { GridComponent, LegendPlainComponent, TooltipComponent } from "echarts/components";
import { CanvasRenderer } from "echarts/renderers";

use([LineChart, GridComponent, LegendPlainComponent, TooltipComponent, CanvasRenderer]);

const COLOURS = ["--pond", "--wait", "--good", "--bad", "--soft"];
const LINES = ["solid", "dashed", "dotted"];
const drawn = new Map(); // element -> { chart, surface, watch, data }

function option(element) {
  const { x, series, unit = "" } = JSON.parse(element.dataset.chart);
  const style = getComputedStyle(element);
  const [ink, soft, line, ground] = ["--ink", "--soft", "--line", "--ground"].map((name) => style.getPropertyValue(name));
  const figures = new Intl.NumberFormat(document.documentElement.lang);
  const said = (value) => (value === null || value === undefined || value === "-" ? "—" : figures.format(value) + unit);
  const text = { color: soft, fontFamily: style.fontFamily };
  return {
    animation: false,
    color: COLOURS.map((name) => style.getPropertyValue(name)),
    textStyle: text,
    grid: { left: 8, right: 16, top: series.length > 1 ? 40 : 16, bottom: 8 },
    legend: { show: series.length > 1, top: 0, left: 0, textStyle: text },
    tooltip: {
      trigger: "axis", renderMode: "richText", valueFormatter: said, confine: true,
      backgroundColor: ground, borderColor: line, textStyle: { color: ink, fontFamily: style.fontFamily },
    },
    xAxis: { type: "category", data: x, boundaryGap: false, axisLine: { lineStyle: { color: line } }, axisLabel: { color: soft, hideOverlap: true } },
    yAxis: { type: "value", splitLine: { lineStyle: { color: line } }, axisLabel: { color: soft, formatter: said } },
    // Told apart by form as well as by colour.
    series: series.map(({ name, data }, n) => ({
      type: "line", name, data, showSymbol: x.length === 1, lineStyle: { width: 2, type: LINES[n % LINES.length] },
    })),
  };
}

function forget(element) {
  const { chart, watch } = drawn.get(element);
  watch.disconnect();
  chart.dispose();
  drawn.delete(element);
}

// Draws the element's data where that has not been done, or was done with other data, or was swapped away.
function draw(element) {
  for (const one of [...drawn.keys()]) if (!drawn.get(one).surface.isConnected) forget(one);
  if (!element.isConnected) return;
  if (!drawn.has(element)) {
    const surface = document.createElement("div");
    surface.className = "surface";
    surface.setAttribute("aria-hidden", "true"); // the table beside it says the same in words
    element.prepend(surface);
    const chart = init(surface, null, { renderer: "canvas" });
    const watch = new ResizeObserver(() => chart.resize());
    watch.observe(surface);
    drawn.set(element, { chart, surface, watch });
  }
  const { chart, data } = drawn.get(element);
  if (data === element.dataset.chart) return;
  drawn.get(element).data = element.dataset.chart;
  chart.setOption(option(element), true);
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const [element, { chart }] of drawn) chart.setOption(option(element), true);
});

globalThis.yutangCharts = { draw };
