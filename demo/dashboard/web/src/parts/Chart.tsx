import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

export interface Series {
  label: string;
  colour: string; // the name of a custom property
  values: (number | null)[];
  filled?: boolean;
}

/** A point that leads somewhere. */
export interface Dot {
  at: number;
  value: number;
  href: string;
  label: string;
}

export interface Data {
  times: number[];
  series: Series[];
  dots?: Dot[];
}

/** Lines over time, and dots that lead somewhere. `data` is read in an effect: whatever signals it looks at, the chart follows. */
export function Chart({ title, write, height = 132, data }: { title: string; write: (value: number) => string; height?: number; data: () => Data }) {
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const place = frame.current;
    if (!place) return;
    let plot: uPlot | undefined;
    let kind = "";
    let dots: Dot[] = [];
    const draw = () => {
      const { times, series, dots: fresh = [] } = data();
      dots = fresh.filter(({ at }) => at >= (times[0] ?? 0) && at <= (times.at(-1) ?? 0));
      const now = JSON.stringify([series.map(({ label, colour }) => [label, colour]), document.documentElement.dataset["theme"]]);
      const columns = [times, ...series.map(({ values }) => values)] as uPlot.AlignedData;
      if (plot && now === kind) return plot.setData(columns);
      plot?.destroy();
      kind = now;
      plot = new uPlot(options(place, write, height, series, () => dots), columns, place);
    };
    const end = effect(draw);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const again = () => {
      kind = "";
      draw();
    };
    scheme.addEventListener("change", again);
    addEventListener("figtree-theme", again);
    const observer = new ResizeObserver(() => plot?.setSize({ width: place.clientWidth, height }));
    observer.observe(place);
    return () => {
      end();
      observer.disconnect();
      scheme.removeEventListener("change", again);
      removeEventListener("figtree-theme", again);
      plot?.destroy();
    };
  }, []);
  return (
    <figure class="chart">
      <figcaption>
        {title} <Legend data={data} />
      </figcaption>
      <div ref={frame} role={data().dots ? "group" : "img"} aria-label={`${title}, the last five minutes`} style={{ height: `${height}px` }} />
    </figure>
  );
}

function Legend({ data }: { data: () => Data }) {
  return (
    <span class="legend">
      {data().series.map(({ label, colour }) => (
        <span key={label}>
          <i class={`key ${colour}`} /> {label}
        </span>
      ))}
      {data().dots && (
        <span>
          <i class="key round" /> traced
        </span>
      )}
    </span>
  );
}

/** Links over the plot. A keyboard stops at the highest only: all of them are among the traces. */
function arrange(plot: uPlot, dots: Dot[]): void {
  const known = new Map([...plot.over.querySelectorAll("a")].map((link) => [link.getAttribute("href"), link]));
  const highest = Math.max(...dots.map(({ value }) => value));
  for (const { at, value, href, label } of dots) {
    const link = known.get(href) ?? plot.over.appendChild(document.createElement("a"));
    known.delete(href);
    link.className = "dot";
    link.href = href;
    link.tabIndex = value === highest ? 0 : -1;
    link.title = label;
    link.setAttribute("aria-label", label);
    link.style.left = `${plot.valToPos(at, "x")}px`;
    link.style.top = `${plot.valToPos(value, "y")}px`;
  }
  for (const link of known.values()) link.remove();
}

function options(frame: HTMLElement, write: (value: number) => string, height: number, series: Series[], dots: () => Dot[]): uPlot.Options {
  const style = getComputedStyle(frame);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const font = `11px ${style.getPropertyValue("--sans")}`;
  const grid = { stroke: colour("line"), width: 1 };
  return {
    width: frame.clientWidth,
    height,
    padding: [8, 4, 0, 0],
    legend: { show: false },
    cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    scales: { x: { time: true }, y: { range: (_, __, max) => [0, Math.max(1.15 * Math.max(max, ...dots().map(({ value }) => value)), 1)] } },
    hooks: { draw: [(plot) => arrange(plot, dots())] },
    axes: [
      { stroke: colour("quiet"), font, grid: { show: false }, ticks: { show: false }, space: 70, size: 24, values: (_, times) => times.map((t) => new Date(t * 1000).toLocaleTimeString("en-GB")) },
      { stroke: colour("quiet"), font, grid, ticks: { show: false }, size: 54, space: 34, values: (_, values) => values.map(write) },
    ],
    series: [
      {},
      ...series.map((one) => ({
        label: one.label,
        stroke: colour(one.colour),
        width: 1.75,
        ...(one.filled ? { fill: colour(`${one.colour}-wash`) } : {}),
        points: { show: false },
        spanGaps: false,
      })),
    ],
  };
}
