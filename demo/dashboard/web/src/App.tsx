import { useEffect, useRef } from "preact/hooks";
import { Boundary } from "./parts/Boundary";
import { Notice } from "./parts/Notice";
import { Icon, type IconName } from "./parts/Icon";
import { perSecond, ratio } from "./format";
import { VIEWS, type View, href, place } from "./route";
import { connected, shape, users } from "./store";
import { theme, turn } from "./theme";
import { Journey } from "./views/Journey";
import { Logs } from "./views/Logs";
import { Presentation } from "./views/Presentation";
import { Scenes } from "./views/Scenes";
import { Shop } from "./views/Shop";
import { System } from "./views/System";
import { Traces } from "./views/Traces";

const TITLES: Record<View, string> = { system: "System", shop: "Shop", journey: "Journey", scenes: "Scenes", traces: "Traces", logs: "Logs", presentation: "Presentation" };

export function App() {
  const { view, argument } = place.value;
  const main = useRef<HTMLElement>(null);
  const before = useRef(view);
  useEffect(() => {
    document.title = `${TITLES[view]} · Figtree`;
    if (before.current !== view) main.current?.focus({ preventScroll: true });
    if (before.current !== view) scrollTo(0, 0);
    before.current = view;
  }, [view]);
  if (view === "presentation") {
    return (
      <main class="presentation">
        <h1 class="visually-hidden">{TITLES[view]}</h1>
        <Boundary key={view} name={TITLES[view]}>
          <Presentation />
        </Boundary>
      </main>
    );
  }
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        To the content
      </a>
      <header class="top">
        <a class="brand" href={href("system")}>
          <Icon name="leaf" /> Figtree
        </a>
        <nav aria-label="Views">
          {VIEWS.map((name) => (
            <a key={name} href={href(name)} aria-current={name === view ? "page" : undefined}>
              <Icon name={name as IconName} />
              <span>{TITLES[name]}</span>
            </a>
          ))}
        </nav>
        <Now />
        <button class="plain" type="button" onClick={turn} aria-label={`Colours: ${theme.value}; change`} title={`Colours: ${theme.value}`}>
          <Icon name={theme.value} />
        </button>
      </header>
      <main id="main" ref={main} tabIndex={-1} class={view}>
        <h1 class="visually-hidden">{TITLES[view]}</h1>
        <Notice />
        <Boundary key={view} name={TITLES[view]}>
          {view === "system" && <System selected={argument} />}
          {view === "shop" && <Shop />}
          {view === "journey" && <Journey />}
          {view === "scenes" && <Scenes selected={argument} />}
          {view === "traces" && <Traces selected={argument} />}
          {view === "logs" && <Logs selected={argument} />}
        </Boundary>
      </main>
    </>
  );
}

function Now() {
  const flow = users.value;
  return (
    <div class="now">
      <span class={`pulse ${connected.value ? "live" : ""}`} title={connected.value ? "live" : "the connection is being made again"} />
      <span class="shape">{shape.value?.shape ?? "…"}</span>
      {flow && (
        <span class="users">
          {perSecond(flow.rate)} · <span class={flow.failed > 0 ? "bad" : ""}>{ratio(flow.failed, flow.rate)} failed</span>
        </span>
      )}
    </div>
  );
}
