import { useEffect } from "preact/hooks";
import { Basket } from "../shop/Basket";
import { Placed } from "../shop/Placed";
import { Results } from "../shop/Results";
import { search, find } from "../shop/state";
import { Icon } from "../parts/Icon";

export function Shop() {
  useEffect(() => {
    if (search.peek().titles.length === 0) void find("");
  }, []);
  return (
    <div class="columns shop">
      <section class="wide" aria-labelledby="catalogue">
        <div class="head">
          <h2 id="catalogue">Titles</h2>
          <form
            role="search"
            class="search"
            onSubmit={(event) => {
              event.preventDefault();
              void find(search.value.words);
            }}
          >
            <label>
              <span class="visually-hidden">Search titles and authors</span>
              <Icon name="search" />
              <input type="search" placeholder="title or author" value={search.value.words} onInput={(event) => void find(event.currentTarget.value)} />
            </label>
          </form>
        </div>
        <Results />
      </section>
      <aside class="side">
        <Placed />
        <Basket />
      </aside>
    </div>
  );
}
