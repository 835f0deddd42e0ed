// Numbers, times and states as text.

const numbers = new Intl.NumberFormat("en");
const percents = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 0 });
const dates = new Intl.DateTimeFormat("en", { month: "short", day: "numeric", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC" });
const moments = new Intl.DateTimeFormat("en", { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC" });
const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC" });
const days = new Intl.DateTimeFormat("en", { month: "short", day: "numeric", timeZone: "UTC" });

export const number = (value) => numbers.format(value ?? 0);

export const percent = (value) => percents.format(value);

// All times are in UTC, as in Airflow's own pages by default.
export const time = (text) => (text ? `${dates.format(new Date(text))} UTC` : "unknown");

// Without the year, for what happened lately.
export const shortTime = (text) => (text ? moments.format(new Date(text)) : "unknown");

export const range = (window) => {
  if (!window?.since || !window?.until) return "–";
  const end = window.since.slice(0, 10) === window.until.slice(0, 10) ? clock.format(new Date(window.until)) : shortTime(window.until);
  return `${shortTime(window.since)} – ${end}`;
};

export const day = (text) => days.format(new Date(text));

export const hour = (text) => String(new Date(text).getUTCHours()).padStart(2, "0");

export const bytes = (value) => {
  const units = ["B", "kB", "MB", "GB"];
  let size = value;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${size.toFixed(size < 10 && unit > 0 ? 1 : 0)} ${units[unit]}`;
};

export const duration = (seconds) => {
  const steps = [
    [86400, "d"],
    [3600, "h"],
    [60, "min"],
  ];
  for (const [length, unit] of steps) {
    if (seconds >= length * (unit === "d" ? 2 : 1)) return `${Math.floor(seconds / length)} ${unit}`;
  }
  return `${Math.max(0, Math.round(seconds))} s`;
};

export const lagSeconds = (now, until) => (until ? (new Date(now) - new Date(until)) / 1000 : null);

export const plural = (count, word) => `${number(count)} ${word}${count === 1 ? "" : "s"}`;

// How a lane ended, with a symbol besides the colour.
export const STATES = {
  success: { symbol: "✓", label: "success" },
  rejects: { symbol: "!", label: "success with rejects" },
  failed: { symbol: "✕", label: "failed" },
  skipped: { symbol: "–", label: "skipped" },
};

export const laneState = (lane) => {
  if (lane.state === "success" && lane.counts.rejected > 0) return "rejects";
  return STATES[lane.state] ? lane.state : "skipped";
};

// Of several lanes of one shop in a run, the worst counts.
const ORDER = ["failed", "rejects", "success", "skipped"];

export const worst = (lanes) => ORDER.find((state) => lanes.some((lane) => laneState(lane) === state)) ?? "skipped";

export const sumCounts = (lanes) => {
  const total = {};
  for (const lane of lanes) {
    for (const [name, count] of Object.entries(lane.counts)) total[name] = (total[name] ?? 0) + count;
  }
  return total;
};

const COUNT_LABELS = [
  ["read", "read"],
  ["created", "created"],
  ["updated", "updated"],
  ["would_create", "to create"],
  ["would_update", "to update"],
  ["unchanged", "unchanged"],
  ["stale", "stale"],
  ["left_out", "left out"],
  ["rejected", "rejected"],
];

export const describeCounts = (counts) =>
  COUNT_LABELS.filter(([name]) => counts[name] > 0)
    .map(([name, label]) => `${number(counts[name])} ${label}`)
    .join(", ") || "nothing to do";
