// Brings the live parts of a page up to date, and keeps the state of its controls in the address.
"use strict";
const POLL_MS = 5000;
const TYPING_MS = 200;
const SMALLEST_MARK = 0.01;
let running = false;
let again = false;

// Fetches this very address again and replaces what is live; `force` is for what the reader has asked for.
async function refresh(force = false) {
  if (!force && (document.hidden || reads())) return;
  if (running) { again = again || force; return; }
  running = true;
  try {
    const response = await fetch(location.href, { cache: "no-store" });
    if (!response.ok) throw new Error(`answered ${response.status}`);
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    if (force || !reads()) show(fresh);
    document.getElementById("offline").hidden = true;
  } catch (error) {
    offline();
  } finally {
    running = false;
    if (again) { again = false; refresh(true); }
  }
}

// Whether the reader has marked text, to copy a fix for instance, or a part of a chart: it would vanish below the pointer.
function reads() {
  return dragged !== null || !getSelection().isCollapsed;
}

function show(fresh) {
  const focused = place(document.activeElement);
  for (const old of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(old.id);
    if (next) replace(old, next);
  }
  if (focused && focused !== place(document.activeElement)) {
    document.querySelector(focused)?.focus({ preventScroll: true });
  }
}

function replace(old, next) {
  for (const open of old.querySelectorAll("details[open]")) {
    const same = open.id && next.querySelector(`#${CSS.escape(open.id)}`);
    if (same) same.open = true;
  }
  const scrolls = [...old.querySelectorAll(".scroll")].map((each) => [each.scrollLeft, each.scrollTop]);
  old.replaceChildren(...next.childNodes);
  old.querySelectorAll(".scroll").forEach((each, number) => {
    if (scrolls[number]) [each.scrollLeft, each.scrollTop] = scrolls[number];
  });
}

// A selector that finds the focused element in the next page; links have an id, other places are within details.
function place(element) {
  if (element?.id) return `#${CSS.escape(element.id)}`;
  const details = element?.closest("details[id]");
  return details && `#${CSS.escape(details.id)} ${element.matches("summary") ? "summary" : ".scroll"}`;
}

function offline() {
  const note = document.getElementById("offline");
  if (note.hidden) note.textContent = note.dataset.text.replace("{}", new Date().toLocaleTimeString(document.documentElement.lang));
  note.hidden = false;
}

// The address with other controls; an empty one is left out.
function change(pairs) {
  const address = new URL(location.href);
  for (const [name, value] of pairs) {
    if (value) address.searchParams.set(name, value);
    else address.searchParams.delete(name);
  }
  history.replaceState(null, "", address);
}

let typing = 0;
document.addEventListener("input", (event) => {
  const { param } = event.target.dataset ?? {};
  if (!param) return;
  change([[param, event.target.value]]);
  clearTimeout(typing);
  typing = setTimeout(() => refresh(true), TYPING_MS);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button[data-set]");
  if (!button) return;
  change(new URLSearchParams(button.dataset.set));
  refresh(true);
});
document.addEventListener("submit", (event) => {
  event.preventDefault();
  refresh(true);
});

// A part of a chart that is marked with the pointer becomes the period; keys on a chart press its buttons.
const KEYS = { "+": "zoom-in", "=": "zoom-in", "-": "zoom-out", ArrowLeft: "earlier", ArrowRight: "later", Escape: "unzoom" };
let dragged = null;
document.addEventListener("pointerdown", (event) => {
  const chart = event.target.closest?.("svg[data-from]");
  if (!chart || event.button !== 0) return;
  dragged = { chart, from: placeIn(chart, event.clientX) };
  dragged.to = dragged.from;
  event.preventDefault();
  chart.closest("figure").focus({ preventScroll: true });
});
document.addEventListener("pointermove", (event) => {
  if (!dragged) return;
  dragged.to = placeIn(dragged.chart, event.clientX);
  const mark = dragged.chart.querySelector(".selection");
  mark.setAttribute("x", `${100 * Math.min(dragged.from, dragged.to)}%`);
  mark.setAttribute("width", `${100 * Math.abs(dragged.to - dragged.from)}%`);
});
document.addEventListener("pointerup", () => {
  if (!dragged) return;
  const { chart, from, to } = dragged;
  unmark();
  if (Math.abs(to - from) < SMALLEST_MARK) return;
  const start = Number(chart.dataset.from);
  const length = chart.dataset.to - start;
  const ends = [from, to].sort((one, other) => one - other).map((each) => (start + each * length).toFixed(0));
  change([["range", ""], ["from", ends[0]], ["to", ends[1]]]);
  refresh(true);
});
document.addEventListener("pointercancel", unmark);
document.addEventListener("keydown", (event) => {
  const button = event.target.matches?.("figure") && !event.ctrlKey && !event.metaKey && document.getElementById(KEYS[event.key]);
  if (!button) return;
  event.preventDefault();
  button.click();
});

function unmark() {
  dragged?.chart.querySelector(".selection").setAttribute("width", 0);
  dragged = null;
}

// Where in the period of a chart a place on the screen is, from 0 to 1.
function placeIn(chart, x) {
  const box = chart.querySelector(".area").getBoundingClientRect();
  return Math.min(1, Math.max(0, (x - box.left) / box.width));
}

const PAGES = new Set([...document.querySelectorAll("nav a")].map((link) => link.pathname));
// Links have no query, so that they are the same for all; what was chosen for all pages goes with the reader.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href^='/']");
  if (!link || link.id === "language" || !PAGES.has(link.pathname)) return;
  const here = new URL(location.href).searchParams;
  const there = new URL(link.href);
  for (const name of ["lang", "theme"]) {
    if (here.has(name) && !there.searchParams.has(name)) there.searchParams.set(name, here.get(name));
  }
  link.href = there;
}, { capture: true });

// The theme is that of the system until somebody chooses; the choice stays in this browser and in the address.
const theme = document.getElementById("theme");
function dress(name) {
  if (name) document.documentElement.dataset.theme = name;
  const dark = name ? name === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  theme?.setAttribute("aria-pressed", String(dark));
}
function remembered() {
  try { return localStorage.getItem("theme"); } catch { return null; }
}
dress(document.documentElement.dataset.theme ?? remembered());
theme?.addEventListener("click", () => {
  const name = theme.getAttribute("aria-pressed") === "true" ? "light" : "dark";
  try { localStorage.setItem("theme", name); } catch { /* then for this page only */ }
  change([["theme", name]]);
  dress(name);
});

// One stream for every page, none while nobody looks: six of them are all the connections that a browser has to a server.
// Where it is cut off, the page asks by itself until it is back.
let live = null;
let loaded = true; // what is shown has just been loaded: the first event, which says how things are, brings nothing new
function listen() {
  live?.close();
  live = document.hidden ? null : new EventSource("/api/v1/live");
  live?.addEventListener("message", () => { if (loaded) loaded = false; else refresh(); });
}
document.addEventListener("visibilitychange", () => { loaded = false; listen(); });
listen();
setInterval(() => { if (live?.readyState !== EventSource.OPEN) refresh(); }, POLL_MS);
