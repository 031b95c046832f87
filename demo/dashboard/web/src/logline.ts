/** A line of a log: JSON where the process writes JSON, else as it is. */

export interface Read {
  at: string;
  level: string;
  text: string;
  trace: string;
  rest: [string, string][];
}

const TIME = ["at", "time", "timestamp", "ts"];
const LEVEL = ["level", "severity", "lvl"];
const TEXT = ["message", "msg", "event", "text"];
const TRACE = ["trace_id", "trace", "traceId"];

export function read(line: string): Read {
  const begin = line.indexOf("{");
  if (begin >= 0 && line.trimEnd().endsWith("}")) {
    try {
      return fields(JSON.parse(line.slice(begin)) as Record<string, unknown>);
    } catch {
      // not JSON after all
    }
  }
  const level = /\b(error|critical|warn(?:ing)?)\b/i.exec(line)?.[1]?.toLowerCase() ?? "";
  return { at: "", level, text: line, trace: "", rest: [] };
}

function fields(content: Record<string, unknown>): Read {
  const known = new Set<string>();
  const take = (names: string[]): string => {
    const name = names.find((one) => content[one] !== undefined && content[one] !== "");
    if (!name) return "";
    known.add(name);
    return String(content[name]);
  };
  const [at, level, text, trace] = [take(TIME), take(LEVEL).toLowerCase(), take(TEXT), take(TRACE)];
  const rest = Object.entries(content)
    .filter(([name, value]) => !known.has(name) && value !== null && value !== "")
    .map(([name, value]): [string, string] => [name, typeof value === "object" ? JSON.stringify(value) : String(value)]);
  return { at: at.replace(/^.*T/, "").slice(0, 12), level, text, trace, rest };
}
