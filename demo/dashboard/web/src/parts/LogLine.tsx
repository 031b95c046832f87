import { read } from "../logline";
import { href } from "../route";

export function LogLine({ line, name = "" }: { line: string; name?: string }) {
  const { at, level, text, trace, rest } = read(line);
  return (
    <li class={level}>
      {name && <b class={`service of-${name}`}>{name}</b>}
      {at && <time>{at}</time>}
      {level && <span class="level">{level}</span>}
      <span class="text">{text}</span>
      {rest.map(([key, value]) => (
        <span class="field" key={key}>
          {key}=<b>{value}</b>
        </span>
      ))}
      {trace && !name && <a href={href("traces", trace)}>its trace</a>}
    </li>
  );
}
