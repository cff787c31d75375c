// Records over time by level, stacked; dragging over it narrows the range.
import uPlot from "../vendor/uplot.js";
import { html } from "../html.js";
import { useEffect, useRef } from "../vendor/preact-hooks.js";
import { signal } from "../vendor/signals.js";
import { go } from "../model/address.js";
import { counts, LEVELS, shownLevels, totals } from "../model/counts.js";
import { isDark, language } from "../model/preferences.js";
import { axisMark, inUtc } from "../model/time.js";
import { number, t } from "../text/index.js";

const HEIGHT = 104;
/** The bucket under the pointer; -1: none. */
export const pointed = signal(-1);

export function Histogram() {
  const host = useRef(null);
  const plot = useRef(null);
  const looks = `${isDark()} ${inUtc()} ${language.value}`;
  const data = counts.value;
  const levels = shownLevels.value;

  useEffect(() => {
    plot.current = new uPlot(options(host.current), stacked(counts.peek(), shownLevels.peek()), host.current);
    const resized = new ResizeObserver(([{ contentRect }]) => plot.current.setSize({ width: contentRect.width, height: HEIGHT }));
    resized.observe(host.current);
    return () => {
      resized.disconnect();
      plot.current.destroy();
    };
  }, [looks]);
  useEffect(() => plot.current.setData(stacked(data, levels)), [data, levels, looks]);

  const all = levels.reduce((sum, name) => sum + totals.value[name], 0);
  const label = data ? t("histogram", { count: number(all) }) : t("histogram.wait");
  return html`<div ref=${host} class=${`histogram ${data ? "" : "waiting"}`} role="img" aria-label=${label}></div>`;
}

/** Columns for uPlot: starts, then for each level the sum of it and the graver ones, so that the
 * grave ones stand at the foot, drawn last. */
function stacked(data, shown) {
  if (!data) return [[], ...LEVELS.map(() => [])];
  let sums = new Array(data.starts.length).fill(0);
  const columns = LEVELS.toReversed().map((name) => {
    if (shown.includes(name)) sums = sums.map((sum, index) => sum + data.levels[name][index]);
    return sums;
  });
  return [data.starts, ...columns.reverse()];
}

function options(host) {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const style = getComputedStyle(host);
  const axis = { stroke: style.color, font: `11px ${style.fontFamily}`, ticks: { show: false }, border: { show: false } };
  const bars = uPlot.paths.bars({ size: [0.86, 48], align: 1 });
  return {
    width: host.clientWidth || 600,
    height: HEIGHT,
    padding: [8, 22, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
    scales: { x: { time: false, range: xRange }, y: { range: (_, __, most) => [0, Math.max(1, most)] } },
    axes: [
      { ...axis, grid: { show: false }, size: 22, space: 80, incrs: STEPS, splits: marks, values: (_, splits, __, ___, step) => splits.map((at) => axisMark(at, step)) },
      { ...axis, grid: { stroke: colour("--line"), width: 1 }, size: 44, space: 34, incrs: WHOLE, values: (_, splits) => splits.map(short) },
    ],
    series: [{}, ...LEVELS.map((name) => ({ paths: bars, points: { show: false }, width: 0, fill: colour(`--bar-${name}`) }))],
    hooks: {
      setCursor: [(plot) => (pointed.value = plot.cursor.left >= 0 ? bucketAt(plot.posToVal(plot.cursor.left, "x")) : -1)],
      setSelect: [zoom],
    },
  };
}

const STEPS = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 2_592_000];
const WHOLE = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((part) => part * 10 ** power)).flat();

/** Marks at round times of the zone that is shown. */
function marks(_, __, from, to, step) {
  const shift = inUtc() ? 0 : new Date(from * 1000).getTimezoneOffset() * 60;
  const first = Math.ceil((from - shift) / step) * step + shift;
  return Array.from({ length: Math.max(0, Math.floor((to - first) / step) + 1) }, (___, index) => first + index * step);
}

function xRange() {
  const data = counts.peek();
  return data ? [data.starts[0], Math.max(data.to, data.starts[0] + data.interval)] : [0, 1];
}

function bucketAt(seconds) {
  const { starts, interval } = counts.peek() ?? { starts: [] };
  const index = starts.length ? Math.floor((seconds - starts[0]) / interval) : -1;
  return index < starts.length ? index : -1;
}

/** To the range that was dragged over, unless it was but a click. */
function zoom(plot) {
  const { left, width } = plot.select;
  if (width < 4 || !counts.peek()) return;
  const [from, to] = [left, left + width].map((x) => new Date(Math.round(plot.posToVal(x, "x")) * 1000).toISOString());
  plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  if (from < to) go({ range: "custom", from, to, record: "" });
}

function short(value) {
  if (value >= 1e6) return `${+(value / 1e6).toFixed(1)}M`;
  return value >= 1e4 ? `${+(value / 1e3).toFixed(1)}k` : String(value);
}
