// Chromium under the locale C or POSIX calls its language "en-US@posix", which Intl refuses; uPlot asks Intl for it as it
// is loaded. Imported first.
try {
  new Intl.Locale(navigator.language);
} catch {
  Object.defineProperty(navigator, "language", { value: "en-US" });
}

export {};
