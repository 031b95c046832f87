import { complaint, trouble } from "../store";
import { Icon } from "./Icon";

/** What was refused, and what is wrong. */
export function Notice() {
  const text = complaint.value;
  return (
    <div role="status" class="notices">
      {text && (
        <p class="notice bad">
          {text}
          <button class="plain" type="button" aria-label="Close" onClick={() => (complaint.value = "")}>
            <Icon name="remove" />
          </button>
        </p>
      )}
      {trouble.value && <p class="notice">{trouble.value}</p>}
    </div>
  );
}
