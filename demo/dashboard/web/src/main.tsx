import "./language";
import { render } from "preact";
import { App } from "./App";
import { listen } from "./store";
import { begin } from "./theme";
import "@fontsource-variable/inter/wght.css";
import "@fontsource-variable/fraunces/wght.css";
import "./style/tokens.css";
import "./style/base.css";
import "./style/frame.css";
import "./style/graph.css";
import "./style/parts.css";
import "./style/shop.css";
import "./style/views.css";
import "./style/presentation.css";

begin();
listen();
render(<App />, document.getElementById("page")!);
