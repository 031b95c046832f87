import type { Title } from "../model";
import { Icon } from "../parts/Icon";
import { find, put, quantityOf, search } from "./state";

const KINDS = { print: "Print", ebook: "E-book", audio: "Audio" };

export function Results() {
  const { titles, words, next, answered } = search.value;
  return (
    <>
      <p class="visually-hidden" role="status">
        {titles.length} titles
      </p>
      {answered && titles.length === 0 && <p class="about">No title begins with “{words}”.</p>}
      <ul class="titles">
        {titles.map((title) => (
          <Book key={title.id} title={title} />
        ))}
      </ul>
      {next && (
        <button type="button" class="quiet" onClick={() => void find(words, next)}>
          More
        </button>
      )}
    </>
  );
}

function Book({ title }: { title: Title }) {
  const many = quantityOf(title);
  return (
    <li class="book">
      <div class={`cover tone-${tone(title.id)}`} aria-hidden="true">
        <span>{title.name}</span>
        <small>{title.authors[0]}</small>
      </div>
      <h3>{title.name}</h3>
      <p>
        {title.authors.join(", ")}
        <br />
        <small>
          {KINDS[title.format]} · {title.publisher} {title.year}
        </small>
      </p>
      <button type="button" onClick={() => put(title, many + 1)} aria-label={`Into the basket: ${title.name}`}>
        <Icon name="plus" /> {many > 0 ? `${many} in the basket` : "Into the basket"}
      </button>
    </li>
  );
}

function tone(id: string): number {
  return [...id].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7) % 6;
}
