import { clock, milliseconds, perSecond } from "../format";
import { href } from "../route";
import { type Sample, broken } from "../series";
import { exemplars, points, versionSeries } from "../store";
import { Chart, type Data } from "./Chart";

const VERSION_COLOURS = ["fig", "sky", "leaf", "amber"];

function usersData(): Data {
  const all: Sample[] = broken(points.value);
  return {
    times: all.map(([at]) => at),
    series: [
      { label: "requests", colour: "fig", filled: true, values: all.map(([, rate]) => rate) },
      { label: "failed", colour: "red", values: all.map(([, , failed]) => failed) },
    ],
  };
}

function latencyData(): Data {
  const all: Sample[] = broken(points.value);
  return {
    times: all.map(([at]) => at),
    series: [{ label: "95 % within", colour: "sky", filled: true, values: all.map(([, , , p95]) => p95) }],
    dots: exemplars.value.map(([at, value, trace]) => ({ at, value, href: href("traces", trace), label: `Trace of ${clock(at)}, ${milliseconds(value)}` })),
  };
}

/** Workloads of which more than one version runs, now or a moment ago. */
function versionsData(): Data {
  const times = points.value.map(([at]) => at);
  const names = [...versionSeries.value.keys()].map((key) => key.split(" ")[0] ?? "");
  const several = [...versionSeries.value.entries()].filter(([key]) => {
    const name = key.split(" ")[0];
    return names.filter((other) => other === name).length > 1;
  });
  return {
    times,
    series: several.slice(0, 4).map(([label, values], i) => ({
      label,
      colour: VERSION_COLOURS[i] ?? "fig",
      values: [...Array<null>(Math.max(0, times.length - values.length)).fill(null), ...values],
    })),
  };
}

export function Users() {
  return <Chart title="What users ask" write={perSecond} data={usersData} />;
}

export function Latency() {
  return <Chart title="How long they wait" write={milliseconds} data={latencyData} />;
}

export function Versions() {
  return versionsData().series.length > 0 ? <Chart title="Who answers" write={perSecond} data={versionsData} /> : null;
}
