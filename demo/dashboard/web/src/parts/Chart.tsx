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

export interface Data {
  times: number[];
  series: Series[];
}

/** Lines over time. `data` is read in an effect: whatever signals it looks at, the chart follows. */
export function Chart({ title, write, height = 132, data }: { title: string; write: (value: number) => string; height?: number; data: () => Data }) {
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const place = frame.current;
    if (!place) return;
    let plot: uPlot | undefined;
    let kind = "";
    const draw = () => {
      const { times, series } = data();
      const now = JSON.stringify([series.map(({ label, colour }) => [label, colour]), document.documentElement.dataset["theme"]]);
      const columns = [times, ...series.map(({ values }) => values)] as uPlot.AlignedData;
      if (plot && now === kind) return plot.setData(columns);
      plot?.destroy();
      kind = now;
      plot = new uPlot(options(place, write, height, series), columns, place);
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
      <div ref={frame} role="img" aria-label={`${title}, the last five minutes`} style={{ height: `${height}px` }} />
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
    </span>
  );
}

function options(place: HTMLElement, write: (value: number) => string, height: number, series: Series[]): uPlot.Options {
  const style = getComputedStyle(place);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const font = `11px ${style.getPropertyValue("--sans")}`;
  const grid = { stroke: colour("line"), width: 1 };
  return {
    width: place.clientWidth,
    height,
    padding: [8, 4, 0, 0],
    legend: { show: false },
    cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    scales: { x: { time: true }, y: { range: (_, __, max) => [0, Math.max(max * 1.15, 1)] } },
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
