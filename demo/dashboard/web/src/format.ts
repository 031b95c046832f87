/** Figures as people read them. */

export function perSecond(rate: number): string {
  if (rate <= 0) return "0/s";
  if (rate < 0.1) return "<0.1/s";
  return `${rate < 9.95 ? rate.toFixed(1) : Math.round(rate).toLocaleString("en")}/s`;
}

export function milliseconds(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (value === 0) return "0 ms";
  if (value >= 9_950) return `${Math.round(value / 1000)} s`;
  if (value >= 995) return `${(value / 1000).toFixed(1)} s`;
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ms`;
}

/** A share of a rate that is something is never "0 %" if there is any. */
export function ratio(part: number, whole: number): string {
  if (whole <= 0 || part <= 0) return "0 %";
  const percent = (100 * part) / whole;
  if (percent < 0.1) return "<0.1 %";
  return `${percent < 9.95 ? Number(percent.toFixed(1)) : Math.round(percent)} %`;
}

export function clock(at: number): string {
  return new Date(at * 1000).toLocaleTimeString("en-GB");
}

export function duration(seconds: number): string {
  if (seconds < 0.995) return seconds > 0 && seconds < 0.000_05 ? "<0.1 ms" : milliseconds(seconds * 1000);
  if (seconds < 90) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

export function money(amount: string, currency: string): string {
  const decimals = amount.split(".")[1]?.length ?? 0;
  return new Intl.NumberFormat("en", {
    style: "currency",
    currency,
    currencyDisplay: "code",
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  })
    .format(Number(amount))
    .replace(/\u00a0/g, " ");
}

/** Without what every name in the mesh ends with. */
export function short(name: string): string {
  return name.replace(/\.figtree\.svc\.cluster\.local(:\d+)?/g, "");
}
