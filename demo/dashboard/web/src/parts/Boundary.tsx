import type { ComponentChildren } from "preact";
import { useErrorBoundary } from "preact/hooks";

/** A view that fails says so in its own place; the others go on. */
export function Boundary({ name, children }: { name: string; children: ComponentChildren }) {
  const [error, again] = useErrorBoundary((problem) => console.warn(problem));
  if (!error) return <>{children}</>;
  return (
    <p role="alert" class="notice bad">
      The view {name} cannot be shown: {String((error as Error).message ?? error)}. The other views go on.
      <button type="button" onClick={again}>
        Try again
      </button>
    </p>
  );
}
